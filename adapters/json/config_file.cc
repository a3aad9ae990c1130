#include "adapters/json/config_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

namespace adapters::json {
namespace {

using Json = nlohmann::json;
using model::ConfigValue;
using model::Errc;

constexpr std::size_t deepest = 64;
constexpr std::size_t largest = std::size_t{4} << 20U;

/// A reader's place in a text, shared by the copies that the library makes of its iterator.
struct Place {
    std::size_t offset = 0;
};

class Cursor {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = char;

    Cursor(std::string_view text, std::size_t at, Place* place)
        : text_{text}, at_{at}, place_{place} {}
    char operator*() const { return text_[at_]; }
    Cursor& operator++() {
        place_->offset = ++at_;
        return *this;
    }
    friend bool operator==(const Cursor& a, const Cursor& b) { return a.at_ == b.at_; }
    friend bool operator!=(const Cursor& a, const Cursor& b) { return a.at_ != b.at_; }

private:
    std::string_view text_;
    std::size_t at_;
    Place* place_;
};

/// Builds the tree from the library's events, so that each value gets its line and a key given
/// twice is seen: the library's own tree keeps neither.
class Builder : public nlohmann::json_sax<Json> {
public:
    Builder(std::string_view text, const Place& place) : text_{text}, place_{place} {}

    bool null() override { return add({}); }
    bool boolean(bool value) override { return add({value}); }
    bool number_integer(number_integer_t value) override { return add({std::int64_t{value}}); }
    bool number_unsigned(number_unsigned_t value) override {
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        if (value > most) return add({static_cast<double>(value)});
        return add({static_cast<std::int64_t>(value)});
    }
    bool number_float(number_float_t value, const string_t&) override { return add({value}); }
    bool string(string_t& value) override { return add({std::move(value)}); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open({ConfigValue::Map{}}); }
    bool start_array(std::size_t) override { return open({ConfigValue::List{}}); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        for (const auto& member : std::get<ConfigValue::Map>(stack_.back().value.data)) {
            if (member.name == name) {
                problem_ = "\"" + name + "\" is given twice; keep one";
                return false;
            }
        }
        stack_.back().key = name;
        stack_.back().key_line = line();
        return true;
    }

    bool parse_error(std::size_t position,
                     const std::string& token,
                     const nlohmann::detail::exception& failure) override {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: <what we want>"
        std::string_view what = failure.what();
        const auto column = what.find(", column");
        const auto colon =
            column == std::string_view::npos ? what.find("] ") : what.find(": ", column);
        if (colon != std::string_view::npos) what.remove_prefix(colon + 2);
        problem_ = what;
        if (failure.id == 406) problem_ = "the number " + token + " is too large";
        position_ = position;
        return false;
    }

    /// What is wrong, with line and column; empty: nothing.
    std::optional<std::string> problem() const {
        if (problem_.empty()) return std::nullopt;
        const auto at = std::min(position_.value_or(place_.offset), text_.size());
        const auto before = text_.substr(0, at == 0 ? 0 : at - 1);
        const auto start = before.rfind('\n');
        const auto column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
        return std::to_string(line_at(before.size())) + ":" + std::to_string(column) + ": " +
               problem_;
    }

    ConfigValue take() { return std::move(root_); }

private:
    struct Level {
        ConfigValue value;
        std::string key;
        int key_line = 0;
    };

    /// Lines are counted once over the whole text, not anew for each value.
    int line() {
        const auto at = std::min(place_.offset, text_.size());
        for (; counted_ < at; ++counted_) {
            if (text_[counted_] == '\n') ++line_;
        }
        return line_;
    }
    int line_at(std::size_t offset) const {
        return 1 + static_cast<int>(std::count(
                       text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    }

    bool add(ConfigValue value) {
        if (value.line == 0) value.line = line();
        if (stack_.empty()) {
            root_ = std::move(value);
            return true;
        }
        auto& level = stack_.back();
        if (auto* list = std::get_if<ConfigValue::List>(&level.value.data)) {
            list->push_back(std::move(value));
        } else {
            value.line = level.key_line;
            std::get<ConfigValue::Map>(level.value.data)
                .push_back({std::move(level.key), std::move(value)});
        }
        return true;
    }

    bool open(ConfigValue value) {
        if (stack_.size() >= deepest) {
            problem_ = "objects and lists are nested more than 64 deep";
            return false;
        }
        value.line = line();
        stack_.push_back({std::move(value), {}, 0});
        return true;
    }

    bool close() {
        auto value = std::move(stack_.back().value);
        stack_.pop_back();
        return add(std::move(value));
    }

    std::string_view text_;
    const Place& place_;
    std::vector<Level> stack_;
    ConfigValue root_;
    std::string problem_;
    std::optional<std::size_t> position_;
    std::size_t counted_ = 0;
    int line_ = 1;
};

model::Result<std::string> read_file(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        const auto code = errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::invalid;
        return model::error(code, path + ": " + std::strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) return model::error(Errc::invalid, path + ": is not a file");
    if (static_cast<std::size_t>(info.st_size) > largest) {
        return model::error(Errc::invalid, path + ": is larger than 4 MiB");
    }
    std::ifstream file{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file) return model::error(Errc::invalid, path + ": cannot be read");
    return text;
}

bool is_folder(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool others_can_read(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRGRP | S_IROTH)) != 0;
}

/// Links in the folders of a path followed, as far as there are folders.
std::string resolved(const std::string& path) {
    std::error_code failure;
    const auto real = std::filesystem::weakly_canonical(path, failure);
    return failure ? path : real.string();
}

bool already_wrong(const model::ConfigOutcome& outcome, std::string_view key) {
    return std::any_of(outcome.errors.begin(), outcome.errors.end(), [key](const auto& problem) {
        return problem.key == key;
    });
}

/// The rules about paths once more, for the files that the paths lead to.
void follow_links(model::ConfigOutcome& outcome) {
    const auto& config = outcome.config;
    const auto& data = config.backend.data_path;
    const auto& replica = config.wal.replica_path;
    const auto problem = [&outcome](const char* key, const std::string& path, std::string reason) {
        if (already_wrong(outcome, key)) return;
        outcome.errors.push_back({outcome.config.file, key, path, std::move(reason)});
    };
    for (const auto& [key, path] :
         {std::pair{"backend.dataPath", data}, std::pair{"wal.replicaPath", replica}}) {
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) continue;
        problem(
            key,
            path,
            "is a link; SQLite keeps its WAL beside the file itself: name that, " + resolved(path));
    }
    auto real = config;
    real.backend.data_path = resolved(data);
    real.wal.replica_path = resolved(replica);
    real.state_dir = resolved(config.state_dir);
    for (auto& found : model::check_config(real)) {
        const auto given = found.key == "backend.dataPath"  ? data
                           : found.key == "wal.replicaPath" ? replica
                           : found.key == "stateDir"        ? config.state_dir
                                                            : std::string{};
        if (given.empty()) continue;
        if (found.value != given) found.reason = "leads to " + found.value + ": " + found.reason;
        problem(found.key.c_str(), given, std::move(found.reason));
    }

    struct stat one {};
    struct stat other {};
    if (::stat(data.c_str(), &one) == 0 && ::stat(replica.c_str(), &other) == 0 &&
        one.st_dev == other.st_dev && one.st_ino == other.st_ino) {
        problem("wal.replicaPath", replica, "is the file of backend.dataPath by another name");
    }
    const auto folder = [](const std::string& path) {
        return std::filesystem::path{path}.parent_path().string();
    };
    if (::stat(folder(data).c_str(), &one) == 0 && ::stat(folder(replica).c_str(), &other) == 0 &&
        one.st_dev != other.st_dev) {
        problem("wal.replicaPath",
                replica,
                "is in another file system than backend.dataPath (" + data +
                    "), and a promotion renames one to the other; name a file in the same");
    }
}

/// A file that a login needs, and that is not there for us.
void look_at_login(model::ConfigOutcome& outcome) {
    const auto& nats = outcome.config.nats;
    for (const auto& [key, path] : {std::pair{"nats.credentials", nats.credentials},
                                    std::pair{"nats.passwordFile", nats.password_file},
                                    std::pair{"nats.tokenFile", nats.token_file},
                                    std::pair{"nats.tls.ca", nats.tls.ca},
                                    std::pair{"nats.tls.cert", nats.tls.cert},
                                    std::pair{"nats.tls.key", nats.tls.key}}) {
        if (path.empty() || already_wrong(outcome, key)) continue;
        std::string reason;
        if (is_folder(path)) {
            reason = "is a folder, and a file belongs here";
        } else if (::access(path.c_str(), R_OK) != 0) {
            reason = std::string{"can not be read: "} + std::strerror(errno);
        }
        if (!reason.empty()) outcome.errors.push_back({outcome.config.file, key, path, reason});
    }
}

/// What only the disk can tell.
void look_at_disk(model::ConfigOutcome& outcome) {
    const auto& config = outcome.config;
    for (const auto& [key, path] : {std::pair{"backend.dataPath", config.backend.data_path},
                                    std::pair{"wal.replicaPath", config.wal.replica_path}}) {
        // One that ends in a slash was named already.
        if (path.ends_with('/') || !is_folder(path)) continue;
        outcome.errors.push_back({config.file,
                                  key,
                                  path,
                                  "is a folder, and a file belongs here; name the file in it, for "
                                  "example " +
                                      path + "/db.sqlite3"});
    }
    if (!is_folder(config.state_dir)) {
        struct stat info {};
        if (::stat(config.state_dir.c_str(), &info) == 0) {
            outcome.errors.push_back({config.file,
                                      "stateDir",
                                      config.state_dir,
                                      "is a file, and a folder belongs here; name another"});
        }
    }
    follow_links(outcome);
    look_at_login(outcome);
    const auto secret = [&outcome](const std::string& key, const std::string& path) {
        if (path.empty() || !others_can_read(path)) return;
        outcome.warnings.push_back(
            {outcome.config.file, key, path, "can be read by others; run: chmod 600 " + path});
    };
    const auto& nats = config.nats;
    if (!nats.password.empty()) secret("nats.password", config.file);
    secret("nats.passwordFile", nats.password_file);
    secret("nats.tokenFile", nats.token_file);
    secret("nats.credentials", nats.credentials);
    secret("nats.tls.key", nats.tls.key);
}

}  // namespace

model::Result<ConfigValue> parse_config(std::string_view text, std::string_view name) {
    // Editors of another system put a byte order mark first.
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    Place place;
    Builder builder{text, place};
    const bool done = Json::sax_parse(Cursor{text, 0, &place},
                                      Cursor{text, text.size(), &place},
                                      &builder,
                                      nlohmann::detail::input_format_t::json,
                                      true,
                                      true);
    if (const auto problem = builder.problem()) {
        return model::error(Errc::invalid, std::string{name} + ":" + *problem);
    }
    if (!done) return model::error(Errc::invalid, std::string{name} + ": is no JSON");
    return builder.take();
}

model::Result<LoadedConfig> load_config(const std::string& path,
                                        const std::vector<model::ConfigOverride>& overrides) {
    const auto text = read_file(path);
    if (!text) return text.error();
    auto root = parse_config(*text, path);
    if (!root) return std::move(root).error();
    auto outcome = model::make_config({path, *std::move(root), overrides});
    look_at_disk(outcome);
    if (outcome.errors.empty()) {
        return LoadedConfig{std::move(outcome.config), std::move(outcome.warnings)};
    }
    std::string all;
    for (const auto& problem : outcome.errors)
        all += (all.empty() ? "" : "\n") + to_text(problem);
    return model::error(Errc::invalid, std::move(all));
}

}  // namespace adapters::json
