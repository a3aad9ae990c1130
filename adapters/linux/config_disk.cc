#include "adapters/linux/config_disk.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "config/keys.h"

namespace adapters::linux_host {
namespace {

using model::Errc;

constexpr std::size_t largest = std::size_t{4} << 20U;

std::optional<struct stat> status_of(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    return info;
}

bool is_directory(const std::string& path) {
    const auto info = status_of(path);
    return info && S_ISDIR(info->st_mode);
}

bool is_link(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

bool others_can_read(const std::string& path) {
    const auto info = status_of(path);
    return info && (info->st_mode & (S_IRGRP | S_IROTH)) != 0;
}

std::string parent_of(const std::string& path) {
    return std::filesystem::path{path}.parent_path().string();
}

/// Resolves symbolic links in the part of the path that exists.
std::string resolved(const std::string& path) {
    std::error_code failure;
    const auto real = std::filesystem::weakly_canonical(path, failure);
    return failure ? path : real.string();
}

/// A file system that shows kernel state and stores no files.
struct Kind {
    std::uint32_t magic;
    const char* name;
};
constexpr std::array<Kind, 12> without_storage{{
    {PROC_SUPER_MAGIC, "proc"},
    {SYSFS_MAGIC, "sysfs"},
    {DEVPTS_SUPER_MAGIC, "devpts"},
    {CGROUP_SUPER_MAGIC, "cgroup"},
    {CGROUP2_SUPER_MAGIC, "cgroup2"},
    {DEBUGFS_MAGIC, "debugfs"},
    {TRACEFS_MAGIC, "tracefs"},
    {SECURITYFS_MAGIC, "securityfs"},
    {SELINUX_MAGIC, "selinuxfs"},
    {BPF_FS_MAGIC, "bpf"},
    {BINFMTFS_MAGIC, "binfmt_misc"},
    {HUGETLBFS_MAGIC, "hugetlbfs"},
}};

/// The name of such a file system, where `path` is or would be created in one; else "".
std::string keeps_nothing(const std::string& path) {
    auto there = resolved(path);
    struct statfs system {};
    while (::statfs(there.c_str(), &system) != 0) {
        const auto parent = parent_of(there);
        if (parent == there || parent.empty()) return {};
        there = parent;
    }
    const auto magic = static_cast<std::uint32_t>(system.f_type);
    const auto* found = std::find_if(without_storage.begin(),
                                     without_storage.end(),
                                     [magic](const Kind& kind) { return kind.magic == magic; });
    if (found != without_storage.end()) return found->name;
    // devtmpfs reports itself as tmpfs, which people also mount on purpose: told apart by its
    // device.
    const auto here = status_of(there);
    const auto devices = status_of("/dev");
    const auto root = status_of("/");
    const bool mounted = devices && root && devices->st_dev != root->st_dev;
    return mounted && here && here->st_dev == devices->st_dev ? "devtmpfs" : "";
}

class DiskCheck {
public:
    explicit DiskCheck(config::Outcome& outcome)
        : outcome_{outcome},
          data_{outcome.config.backend.data_path},
          replica_{outcome.config.wal.replica_path},
          state_{outcome.config.state_dir} {}

    void run() {
        kinds();
        storage();
        links();
        same_file();
        file_systems();
        for (const auto& key : config::keys())
            file_of(key);
    }

private:
    void error(std::string_view key, const std::string& path, std::string reason) {
        const bool wrong_already =
            std::any_of(outcome_.errors.begin(), outcome_.errors.end(), [key](const auto& problem) {
                return problem.key == key;
            });
        if (wrong_already) return;
        outcome_.errors.push_back(
            {outcome_.config.file, std::string{key}, path, std::move(reason)});
    }

    void kinds() {
        for (const auto& [key, path] : files_) {
            if (!is_directory(path)) continue;
            error(key,
                  path,
                  "is a directory, and a file belongs here; name the file in it, for example " +
                      path + "/db.sqlite3");
        }
        if (!is_directory(state_) && status_of(state_)) {
            error("stateDir", state_, "is a file, and a directory belongs here; name another");
        }
    }

    void storage() {
        const auto check_file_system =
            [this](const char* key, const std::string& path, const char* what) {
                const auto system = keeps_nothing(path);
                if (system.empty()) return;
                error(key,
                      path,
                      "lies in a file system that keeps nothing (" + system + "); name a " + what +
                          " on a disk");
            };
        check_file_system("stateDir", state_, "directory");
        for (const auto& [key, path] : files_)
            check_file_system(key, path, "file");
    }

    /// Checks the rules about paths again, for the files that the paths resolve to.
    void links() {
        for (const auto& [key, path] : files_) {
            if (!is_link(path)) continue;
            error(key,
                  path,
                  "is a link; SQLite keeps its WAL beside the file itself: name that, " +
                      resolved(path));
        }
        auto real = outcome_.config;
        real.backend.data_path = resolved(data_);
        real.wal.replica_path = resolved(replica_);
        real.state_dir = resolved(state_);
        for (auto& found : config::check(real)) {
            const auto given = found.key == "backend.dataPath"  ? data_
                               : found.key == "wal.replicaPath" ? replica_
                               : found.key == "stateDir"        ? state_
                                                                : std::string{};
            if (given.empty()) continue;
            if (found.value != given) {
                found.reason = "leads to " + found.value + ": " + found.reason;
            }
            error(found.key, given, std::move(found.reason));
        }
    }

    void same_file() {
        const auto one = status_of(data_);
        const auto other = status_of(replica_);
        if (one && other && one->st_dev == other->st_dev && one->st_ino == other->st_ino) {
            error("wal.replicaPath", replica_, "is the file of backend.dataPath by another name");
        }
    }

    void file_systems() {
        const auto one = status_of(parent_of(data_));
        const auto other = status_of(parent_of(replica_));
        if (one && other && one->st_dev != other->st_dev) {
            error("wal.replicaPath",
                  replica_,
                  "is in another file system than backend.dataPath (" + data_ +
                      "), and a promotion renames one to the other; name a file in the same");
        }
    }

    /// Checks a file that must be readable, and warns about a secret that others can read.
    void file_of(const config::Key& key) {
        if (key.file == config::FileRule::none) return;
        const auto& value = *std::get<std::string*>(key.field(outcome_.config));
        if (value.empty()) return;
        const bool named = key.type == config::Type::path;
        const auto& file = named ? value : outcome_.config.file;
        if (named) {
            if (is_directory(file)) {
                error(key.path, file, "is a directory, and a file belongs here");
            } else if (::access(file.c_str(), R_OK) != 0) {
                error(key.path, file, std::string{"cannot be read: "} + std::strerror(errno));
            }
        }
        if (key.file == config::FileRule::secret && others_can_read(file)) {
            outcome_.warnings.push_back({outcome_.config.file,
                                         std::string{key.path},
                                         file,
                                         "can be read by others; run: chmod 600 " + file});
        }
    }

    config::Outcome& outcome_;
    // Copies, because the configuration is passed on for writing while its keys are checked.
    const std::string data_;
    const std::string replica_;
    const std::string state_;
    const std::array<std::pair<const char*, std::string>, 2> files_{
        {{"backend.dataPath", data_}, {"wal.replicaPath", replica_}}};
};

}  // namespace

model::Result<std::string> read_config(const std::string& path) {
    const auto info = status_of(path);
    if (!info) {
        const auto code = errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::invalid;
        return model::error(code, path + ": " + std::strerror(errno));
    }
    if (!S_ISREG(info->st_mode)) return model::error(Errc::invalid, path + ": is not a file");
    if (static_cast<std::size_t>(info->st_size) > largest) {
        return model::error(Errc::invalid, path + ": is larger than 4 MiB");
    }
    std::ifstream file{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file) return model::error(Errc::invalid, path + ": cannot be read");
    return text;
}

void check_disk(config::Outcome& outcome) { DiskCheck{outcome}.run(); }

}  // namespace adapters::linux_host
