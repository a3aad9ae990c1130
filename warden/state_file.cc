#include "warden/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "model/fnv.h"
#include "model/ids.h"

namespace warden {
namespace {

using model::Errc;

constexpr std::string_view first_line = "convex-cluster-warden 2";

model::Error failed(std::string_view what, const std::string& path) {
    const int reason = errno;
    return model::error(Errc::unavailable,
                        std::string{what} + " " + path + ": " + std::strerror(reason));
}

// Does not block on a FIFO or device in the file's place, and follows no symbolic link.
constexpr int careful = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr mode_t others_may_write = 022;

model::Error not_believed(const std::string& path, std::string_view why) {
    return model::error(Errc::unavailable, path + ": not believed, for " + std::string{why});
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_{fd} {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    Descriptor& operator=(Descriptor&&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The file is accessed relative to this descriptor, so that the checks of the directory stay valid.
model::Result<Descriptor> open_directory(const std::string& path) {
    const auto slash = path.rfind('/');
    const auto name = slash == std::string::npos ? std::string{"."}
                      : slash == 0               ? std::string{"/"}
                                                 : path.substr(0, slash);
    Descriptor directory{::open(name.c_str(), O_RDONLY | O_DIRECTORY | careful)};
    if (directory.get() < 0) {
        auto failure = failed("open", name);
        if (errno == ENOENT) failure.code = Errc::not_found;
        return failure;
    }
    struct stat what {};
    if (::fstat(directory.get(), &what) != 0) return failed("stat", name);
    if (what.st_uid != ::geteuid()) return not_believed(name, "it is another user's");
    if ((what.st_mode & others_may_write) != 0) return not_believed(name, "others can write to it");
    return directory;
}

// Removes "NAME VALUE\n" from the front of `rest`.
std::optional<std::string> take_line(std::string_view& rest, std::string_view name) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    auto line = rest.substr(0, end);
    if (line.substr(0, name.size()) != name) return {};
    line.remove_prefix(name.size());
    if (line.empty() || line.front() != ' ') return {};
    rest.remove_prefix(end + 1);
    return std::string{line.substr(1)};
}

std::optional<std::string> take_word(std::string& line) {
    const auto end = line.find(' ');
    if (end == std::string::npos) return {};
    auto word = line.substr(0, end);
    line.erase(0, end + 1);
    return word;
}

std::optional<Saved::Process> parse_process(std::string line) {
    const auto pid = take_word(line);
    if (!pid) return {};
    const auto pid_number = model::parse_number(*pid);
    const auto ticks_number = model::parse_number(line);
    if (!pid_number || !ticks_number || *pid_number > 0x7fffffff) return {};
    return Saved::Process{.pid = static_cast<std::int32_t>(*pid_number),
                          .start_ticks = *ticks_number};
}

std::string to_line(const Saved::Backend& backend) {
    return std::to_string(backend.pid) + " " + std::to_string(backend.start_ticks) + " " +
           std::to_string(backend.uid) + " " + backend.token + " " + backend.cgroup + "\n";
}

std::optional<Saved::Backend> parse_backend(std::string line) {
    const auto pid = take_word(line);
    const auto ticks = take_word(line);
    const auto uid = take_word(line);
    const auto token = take_word(line);
    if (!pid || !ticks || !uid || !token) return {};
    const auto pid_number = model::parse_number(*pid);
    const auto ticks_number = model::parse_number(*ticks);
    const auto uid_number = model::parse_number(*uid);
    if (!pid_number || !ticks_number || !uid_number || *pid_number > 0x7fffffff ||
        *uid_number > UINT32_MAX)
        return {};
    return Saved::Backend{.token = *token,
                          .cgroup = line,
                          .pid = static_cast<std::int32_t>(*pid_number),
                          .start_ticks = *ticks_number,
                          .uid = static_cast<std::uint32_t>(*uid_number)};
}

// Placeholder in the interface's field of a cgroup.
constexpr std::string_view no_interface = "-";

std::optional<model::WardenTarget> parse_target(std::string line) {
    const auto kind = take_word(line);
    const auto interface = take_word(line);
    if (!kind || !interface || interface->empty() || line.empty()) return {};
    using Kind = model::WardenTarget::Kind;
    if (*kind == "cgroup" && *interface == no_interface)
        return model::WardenTarget{.kind = Kind::cgroup, .name = line};
    if (*kind != "address") return {};
    return model::WardenTarget{.kind = Kind::address, .name = line, .interface = *interface};
}

std::string to_line(const model::WardenTarget& target) {
    if (target.kind == model::WardenTarget::Kind::cgroup)
        return "cgroup " + std::string{no_interface} + " " + target.name + "\n";
    return "address " + target.interface + " " + target.name + "\n";
}

}  // namespace

std::string to_text(const Saved& saved) {
    std::string text{first_line};
    text += "\nboot " + saved.boot_id;
    text += "\nvalid_until " + std::to_string(saved.valid_until.time_since_epoch().count());
    text += "\nincarnation " + saved.incarnation;
    text += "\nwarden " + std::to_string(saved.warden.pid) + " " +
            std::to_string(saved.warden.start_ticks);
    text += "\ncgroup " + saved.cgroup;
    text += "\ntargets_alive " + std::to_string(saved.targets_alive ? 1 : 0) + "\n";
    if (saved.backend) text += "backend " + to_line(*saved.backend);
    for (const auto& each : saved.leftovers)
        text += "leftover " + to_line(each);
    for (const auto& target : saved.targets)
        text += "target " + to_line(target);
    text += "sum " + model::to_hex16(model::fnv1a(text)) + "\n";
    return text;
}

model::Result<Saved> parse_saved(std::string_view text) {
    const auto damaged = model::error(Errc::corrupt, "damaged state file");
    const auto sum_at = text.rfind("sum ");
    if (sum_at == std::string_view::npos) return damaged;
    const auto body = text.substr(0, sum_at);
    if (text.substr(sum_at) != "sum " + model::to_hex16(model::fnv1a(body)) + "\n") return damaged;

    auto rest = body;
    if (rest.substr(0, first_line.size() + 1) != std::string{first_line} + "\n") return damaged;
    rest.remove_prefix(first_line.size() + 1);
    auto boot = take_line(rest, "boot");
    auto until = take_line(rest, "valid_until");
    auto incarnation = take_line(rest, "incarnation");
    auto warden = take_line(rest, "warden");
    auto cgroup = take_line(rest, "cgroup");
    const auto alive = take_line(rest, "targets_alive");
    if (!boot || !until || !incarnation || !warden || !cgroup || (alive != "0" && alive != "1"))
        return damaged;
    const auto process = parse_process(std::move(*warden));
    if (!process) return damaged;
    const auto ns = model::parse_number(*until);
    if (!ns || *ns > INT64_MAX) return damaged;
    Saved saved{.boot_id = std::move(*boot),
                .valid_until = model::Instant{model::Duration{static_cast<std::int64_t>(*ns)}},
                .incarnation = std::move(*incarnation),
                .warden = *process,
                .cgroup = std::move(*cgroup),
                .targets_alive = alive == "1"};
    if (auto line = take_line(rest, "backend")) {
        saved.backend = parse_backend(std::move(*line));
        if (!saved.backend) return damaged;
    }
    while (auto line = take_line(rest, "leftover")) {
        auto backend = parse_backend(std::move(*line));
        if (!backend) return damaged;
        saved.leftovers.push_back(std::move(*backend));
    }
    while (auto line = take_line(rest, "target")) {
        auto target = parse_target(std::move(*line));
        if (!target) return damaged;
        saved.targets.push_back(std::move(*target));
    }
    // Accepts only the form that to_text() writes: numbers without leading zeros, one line each.
    if (!rest.empty() || to_text(saved) != text) return damaged;
    return saved;
}

model::Result<void> check_directory_of(const std::string& path) {
    const auto directory = open_directory(path);
    if (!directory) return directory.error();
    return {};
}

model::Result<std::optional<Saved>> load_state(const std::string& path) {
    const auto directory = open_directory(path);
    if (!directory) {
        if (directory.error().code == Errc::not_found) return std::optional<Saved>{};
        return directory.error();
    }
    const Descriptor file{::openat(directory->get(), name_of(path).c_str(), O_RDONLY | careful)};
    if (file.get() < 0) {
        if (errno == ENOENT) return std::optional<Saved>{};
        return failed("open", path);
    }
    struct stat what {};
    if (::fstat(file.get(), &what) != 0) return failed("stat", path);
    if (!S_ISREG(what.st_mode)) return not_believed(path, "it is not a regular file");
    if (what.st_uid != ::geteuid()) return not_believed(path, "it is another user's");
    if ((what.st_mode & others_may_write) != 0 || what.st_nlink != 1)
        return not_believed(path, "others can write it");
    std::array<char, std::size_t{64} * 1024> buffer{};
    const auto got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) return failed("read", path);
    auto saved = parse_saved({buffer.data(), static_cast<std::size_t>(got)});
    if (!saved) return std::move(saved).error().during(path);
    return std::optional<Saved>{std::move(*saved)};
}

model::Result<void> save_state(const std::string& path, const Saved& saved) {
    const auto directory = open_directory(path);
    if (!directory) return directory.error();
    const auto text = to_text(saved);
    const auto name = name_of(path);
    const auto fresh = name + ".new";
    const Descriptor file{
        ::openat(directory->get(), fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | careful, 0600)};
    if (file.get() < 0) return failed("open", path + ".new");
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
        if (written >= 0) errno = ENOSPC;
        return failed("write", path + ".new");
    }
    if (::renameat(directory->get(), fresh.c_str(), directory->get(), name.c_str()) != 0)
        return failed("rename", path + ".new");
    return {};
}

void remove_state(const std::string& path) {
    const auto directory = open_directory(path);
    if (directory) ::unlinkat(directory->get(), name_of(path).c_str(), 0);
}

}  // namespace warden
