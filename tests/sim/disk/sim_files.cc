#include "tests/sim/disk/sim_files.h"

#include <algorithm>

#include "model/path_text.h"

namespace sim {
namespace {

using model::directory_of;
using model::Errc;
using model::is_temporary;
using model::Result;
using model::temporary_of;

constexpr std::size_t page = 4096;

model::Error refusal(Errc code, std::string_view path, std::string_view why) {
    return model::error(code, std::string{path} + ": " + std::string{why});
}

bool absolute(std::string_view path) {
    return !path.empty() && path.front() == '/' && path.find('\0') == std::string_view::npos;
}

model::Error not_absolute(std::string_view path) {
    return model::error(Errc::invalid, "\"" + std::string{path} + "\" is not an absolute path");
}

}  // namespace

SimFiles::SimFiles() { directories_["/"] = true; }

void SimFiles::step() {
    if (crash_after_) {
        if (*crash_after_ == 0) {
            crash_after_.reset();
            throw SimCrash{};
        }
        --*crash_after_;
    }
    ++steps_;
}

std::uint64_t SimFiles::used() const {
    std::uint64_t sum = 0;
    for (const auto& [name, file] : names_)
        sum += file->bytes.size();
    return sum;
}

bool SimFiles::is_directory(std::string_view path) const {
    return directories_.find(path) != directories_.end();
}

Result<SimFiles::FilePtr> SimFiles::find(std::string_view path) const {
    if (!absolute(path)) return not_absolute(path);
    const auto at = names_.find(path);
    if (at != names_.end()) return at->second;
    if (is_directory(path)) return refusal(Errc::invalid, path, "not a regular file");
    return refusal(Errc::not_found, path, "No such file or directory");
}

Result<SimFiles::FilePtr> SimFiles::make(std::string_view path) {
    auto found = find(path);
    if (found || found.error().code != Errc::not_found) return found;
    if (!is_directory(directory_of(path))) return found;
    step();
    return names_[std::string{path}] = std::make_shared<File>();
}

Result<bool> SimFiles::exists(std::string_view path) {
    if (!absolute(path)) return not_absolute(path);
    return names_.find(path) != names_.end() || is_directory(path);
}

Result<std::uint64_t> SimFiles::size(std::string_view path) {
    auto file = find(path);
    if (!file) return std::move(file).error();
    return std::uint64_t{(*file)->bytes.size()};
}

Result<std::vector<std::string>> SimFiles::list(std::string_view directory) {
    if (!absolute(directory)) return not_absolute(directory);
    if (names_.find(directory) != names_.end())
        return refusal(Errc::invalid, directory, "Not a directory");
    std::vector<std::string> names;
    const auto add = [&](const std::string& path) {
        if (path == "/" || directory_of(path) != directory) return;
        auto name = path.substr(path.rfind('/') + 1);
        if (!is_temporary(name)) names.push_back(std::move(name));
    };
    for (const auto& [path, file] : names_)
        add(path);
    for (const auto& [path, present] : directories_)
        add(path);
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> SimFiles::create_directory(std::string_view path) {
    if (!absolute(path)) return not_absolute(path);
    for (std::size_t end = 0; end != std::string_view::npos;) {
        end = path.find('/', end + 1);
        const auto directory = path.substr(0, end);
        if (names_.find(directory) != names_.end())
            return refusal(Errc::invalid, directory, "present, and not a directory");
        if (is_directory(directory)) continue;
        step();
        directories_[std::string{directory}] = true;
    }
    return {};
}

Result<model::Bytes> SimFiles::read(std::string_view path) {
    auto file = find(path);
    if (!file) return std::move(file).error();
    return (*file)->bytes;
}

Result<model::Bytes> SimFiles::read_at(std::string_view path,
                                       std::uint64_t offset,
                                       std::uint64_t length) {
    auto file = find(path);
    if (!file) return std::move(file).error();
    const auto& bytes = (*file)->bytes;
    if (offset >= bytes.size()) return model::Bytes{};
    const auto take = std::min<std::uint64_t>(length, bytes.size() - offset);
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    return model::Bytes{from, from + static_cast<std::ptrdiff_t>(take)};
}

Result<void> SimFiles::put(const FilePtr& file,
                           std::string_view path,
                           std::uint64_t offset,
                           model::ByteView bytes) {
    step();
    const auto now = file->bytes.size();
    const auto after = std::max<std::uint64_t>(now, offset + bytes.size());
    const auto others = used() - now;
    const bool full = others + after > capacity_;
    if (full) bytes = bytes.first(bytes.size() / 2);
    const auto end = offset + bytes.size();
    if (end > now) file->bytes.resize(end);
    std::copy(
        bytes.begin(), bytes.end(), file->bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    if (full) return refusal(Errc::unavailable, path, "No space left on device");
    return {};
}

// The same steps as on the real disk, so that a crash may happen between any two.
Result<void> SimFiles::write(std::string_view path, model::ByteView bytes, bool durable) {
    if (!absolute(path)) return not_absolute(path);
    if (is_directory(path)) return refusal(Errc::invalid, path, "Is a directory");
    if (!is_directory(directory_of(path)))
        return refusal(Errc::not_found, path, "No such file or directory");
    const auto temporary = temporary_of(path);
    step();
    names_[temporary] = std::make_shared<File>();
    auto written = put(names_[temporary], temporary, 0, bytes);
    if (written && durable) written = sync(temporary);
    if (!written) {
        names_.erase(temporary);
        return written;
    }
    if (auto renamed = rename(temporary, path); !renamed) return renamed;
    return durable ? sync_directory(directory_of(path)) : Result<void>{};
}

Result<void> SimFiles::write_at(std::string_view path,
                                std::uint64_t offset,
                                model::ByteView bytes) {
    auto file = make(path);
    if (!file) return std::move(file).error();
    return put(*file, path, offset, bytes);
}

Result<void> SimFiles::truncate(std::string_view path, std::uint64_t size) {
    auto file = find(path);
    if (!file) return std::move(file).error();
    step();
    (*file)->bytes.resize(size);
    return {};
}

Result<void> SimFiles::sync(std::string_view path) {
    auto file = find(path);
    if (!file) return std::move(file).error();
    step();
    if (fail_next_sync_) {
        fail_next_sync_ = false;
        (*file)->broken = true;
        return refusal(Errc::unavailable, path, "Input/output error");
    }
    // After a failed sync the kernel reports success and keeps nothing.
    if (!(*file)->broken) (*file)->durable = (*file)->bytes;
    return {};
}

Result<void> SimFiles::sync_directory(std::string_view path) {
    if (!absolute(path)) return not_absolute(path);
    if (!is_directory(path)) {
        const bool file = names_.find(path) != names_.end();
        return refusal(file ? Errc::invalid : Errc::not_found,
                       path,
                       file ? "Not a directory" : "No such file or directory");
    }
    step();
    const auto inside = [&](const auto& entry) { return directory_of(entry.first) == path; };
    std::erase_if(durable_names_, inside);
    std::copy_if(
        names_.begin(), names_.end(), std::inserter(durable_names_, durable_names_.end()), inside);
    return {};
}

Result<void> SimFiles::rename(std::string_view from, std::string_view to) {
    auto file = find(from);
    if (!file) return std::move(file).error();
    if (!absolute(to)) return not_absolute(to);
    if (is_directory(to)) return refusal(Errc::invalid, to, "Is a directory");
    if (!is_directory(directory_of(to)))
        return refusal(Errc::not_found, to, "No such file or directory");
    step();
    names_.erase(names_.find(from));
    names_[std::string{to}] = *file;
    return {};
}

Result<void> SimFiles::remove(std::string_view path) {
    if (!absolute(path)) return not_absolute(path);
    if (is_directory(path)) return refusal(Errc::invalid, path, "Is a directory");
    const auto at = names_.find(path);
    if (at == names_.end()) return {};
    step();
    names_.erase(at);
    return {};
}

// All directories of this disk belong to root.
Result<void> SimFiles::give_to_owner_of(std::string_view, std::string_view file) {
    auto target = find(file);
    if (!target) return std::move(target).error();
    step();
    (*target)->owner.uid = (*target)->owner.gid = 0;
    return {};
}

Result<void> SimFiles::copy_owner(std::string_view from, std::string_view to) {
    auto source = find(from);
    if (!source) return std::move(source).error();
    auto target = find(to);
    if (!target) return std::move(target).error();
    step();
    (*target)->owner = (*source)->owner;
    return {};
}

void SimFiles::power_cut(reconcilers::ports::Random* chance) {
    const auto kept = [chance] { return chance != nullptr && chance->below(2) == 1; };

    // First names: each one that differs from the durable state survives or not, independently.
    auto names = durable_names_;
    if (chance != nullptr) {
        for (const auto& [path, file] : names_) {
            const auto before = durable_names_.find(path);
            const bool same = before != durable_names_.end() && before->second == file;
            if (!same && kept()) names[path] = file;
        }
        for (const auto& [path, file] : durable_names_)
            if (names_.find(path) == names_.end() && kept()) names.erase(path);
    }
    names_ = std::move(names);
    durable_names_ = names_;

    std::map<File*, bool> done;
    for (const auto& [path, file] : names_) {
        if (std::exchange(done[file.get()], true)) continue;
        auto after = file->durable;
        if (chance != nullptr && !file->broken && file->bytes != file->durable) {
            if (kept()) after.resize(file->bytes.size());
            for (std::size_t at = 0; at < after.size() && at < file->bytes.size(); at += page) {
                if (!kept()) continue;
                const auto end = std::min({at + page, after.size(), file->bytes.size()});
                std::copy(file->bytes.begin() + static_cast<std::ptrdiff_t>(at),
                          file->bytes.begin() + static_cast<std::ptrdiff_t>(end),
                          after.begin() + static_cast<std::ptrdiff_t>(at));
            }
        }
        file->bytes = after;
        file->durable = std::move(after);
        file->broken = false;
    }
    crash_after_.reset();
    fail_next_sync_ = false;
}

SimOwner SimFiles::owner(std::string_view path) const {
    const auto at = names_.find(path);
    return at == names_.end() ? SimOwner{} : at->second->owner;
}

void SimFiles::set_owner(std::string_view path, SimOwner owner) {
    const auto at = names_.find(path);
    if (at != names_.end()) at->second->owner = owner;
}

}  // namespace sim
