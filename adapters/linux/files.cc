#include "adapters/linux/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "adapters/linux/descriptor.h"
#include "model/path_text.h"

namespace adapters::linux_host {
namespace {

using model::directory_of;
using model::Errc;
using model::Error;
using model::is_temporary;
using model::Result;
using model::temporary_of;

constexpr std::uint64_t largest_read = std::uint64_t{256} * 1024 * 1024;

// Maps errno to a code: absent, of the wrong kind, or a disk error.
Error failed(std::string_view what, std::string_view path) {
    const int reason = errno;
    Errc code = Errc::unavailable;
    switch (reason) {
        case ENOENT:
            code = Errc::not_found;
            break;
        case EISDIR:
        case ENOTDIR:
        case ELOOP:
        case EACCES:
        case EPERM:
        case EINVAL:
        case ENAMETOOLONG:
        case ENOTEMPTY:
        case EEXIST:
        case EXDEV:
        case ETXTBSY:
            code = Errc::invalid;
            break;
        default:
            break;
    }
    return model::error(code,
                        std::string{what} + " " + std::string{path} + ": " + std::strerror(reason));
}

std::optional<Error> refused(std::string_view path) {
    if (path.empty() || path.front() != '/' || path.find('\0') != std::string_view::npos)
        return model::error(Errc::invalid, "\"" + std::string{path} + "\" is not an absolute path");
    return {};
}

int open_file(std::string_view path, int flags) {
    return ::open(std::string{path}.c_str(), flags | O_CLOEXEC, 0600);
}

// Needed because open() succeeds for a directory, and blocks for a pipe.
Result<struct stat> stat_file(int fd, std::string_view path) {
    struct stat what {};
    if (::fstat(fd, &what) != 0) return failed("stat", path);
    if (!S_ISREG(what.st_mode))
        return model::error(Errc::invalid, std::string{path} + ": not a regular file");
    return what;
}

/// Opens a regular file, hands its descriptor and its size to `use` and closes it.
template <typename Use>
auto with_file(std::string_view path, int flags, Use use) -> decltype(use(0, std::uint64_t{})) {
    if (auto no = refused(path)) return *no;
    const Descriptor file{open_file(path, flags | O_NONBLOCK)};
    if (!file.open()) return failed("open", path);
    auto what = stat_file(file.get(), path);
    if (!what) return std::move(what).error();
    return use(file.get(), static_cast<std::uint64_t>(what->st_size));
}

Result<model::Bytes> read_range(int fd,
                                std::string_view path,
                                std::uint64_t offset,
                                std::uint64_t length) {
    model::Bytes bytes(length);
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto got = ::pread(
            fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("read", path);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

Result<void> write_range(int fd,
                         std::string_view path,
                         std::uint64_t offset,
                         model::ByteView bytes) {
    while (!bytes.empty()) {
        const auto written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed("write", path);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        offset += static_cast<std::uint64_t>(written);
    }
    return {};
}

// Never repeated: the kernel reports a failed write-back once and drops the pages; the next fsync
// would succeed.
Result<void> sync_descriptor(int fd, std::string_view path) {
    if (::fsync(fd) != 0) {
        auto failure = failed("fsync", path);
        failure.code = Errc::unavailable;
        return failure;
    }
    return {};
}

Result<void> write_temporary(const std::string& path, model::ByteView bytes, bool durable) {
    const Descriptor file{open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)};
    if (!file.open()) return failed("open", path);
    if (auto what = stat_file(file.get(), path); !what) return std::move(what).error();
    if (auto written = write_range(file.get(), path, 0, bytes); !written) return written;
    if (durable) return sync_descriptor(file.get(), path);
    return {};
}

}  // namespace

Result<bool> Files::exists(std::string_view path) {
    if (auto no = refused(path)) return *no;
    struct stat what {};
    if (::lstat(std::string{path}.c_str(), &what) == 0) return true;
    if (errno == ENOENT) return false;
    return failed("stat", path);
}

Result<std::uint64_t> Files::size(std::string_view path) {
    if (auto no = refused(path)) return *no;
    struct stat what {};
    if (::stat(std::string{path}.c_str(), &what) != 0) return failed("stat", path);
    if (!S_ISREG(what.st_mode))
        return model::error(Errc::invalid, std::string{path} + ": not a regular file");
    return static_cast<std::uint64_t>(what.st_size);
}

Result<std::vector<std::string>> Files::list(std::string_view directory) {
    if (auto no = refused(directory)) return *no;
    DIR* const stream = ::opendir(std::string{directory}.c_str());
    if (stream == nullptr) {
        if (errno == ENOENT) return std::vector<std::string>{};
        return failed("open directory", directory);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* const entry = ::readdir(stream)) {
        const std::string_view name{entry->d_name};
        if (name != "." && name != ".." && !is_temporary(name)) names.emplace_back(name);
        errno = 0;
    }
    const bool broken = errno != 0;
    auto failure = failed("read directory", directory);
    ::closedir(stream);
    if (broken) return failure;
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> Files::create_directory(std::string_view path) {
    if (auto no = refused(path)) return *no;
    for (std::size_t end = 0; end != std::string_view::npos;) {
        end = path.find('/', end + 1);
        const auto directory = path.substr(0, end);
        if (directory == "/") continue;
        if (::mkdir(std::string{directory}.c_str(), 0700) == 0) {
            if (auto synced = sync_directory(directory_of(directory)); !synced) return synced;
        } else if (errno != EEXIST) {
            return failed("make directory", directory);
        }
    }
    struct stat what {};
    if (::stat(std::string{path}.c_str(), &what) != 0) return failed("stat", path);
    if (!S_ISDIR(what.st_mode))
        return model::error(Errc::invalid, std::string{path} + ": present, and not a directory");
    return {};
}

Result<model::Bytes> Files::read(std::string_view path) {
    return with_file(path, O_RDONLY, [&](int fd, std::uint64_t size) -> Result<model::Bytes> {
        if (size > largest_read)
            return model::error(Errc::invalid, std::string{path} + ": larger than 256 MiB");
        return read_range(fd, path, 0, size);
    });
}

Result<model::Bytes> Files::read_at(std::string_view path,
                                    std::uint64_t offset,
                                    std::uint64_t length) {
    return with_file(path, O_RDONLY, [&](int fd, std::uint64_t size) -> Result<model::Bytes> {
        // Reads no more than exists, so that a wrong length does not allocate its memory.
        if (offset >= size) return model::Bytes{};
        return read_range(fd, path, offset, std::min(length, size - offset));
    });
}

Result<void> Files::write(std::string_view path, model::ByteView bytes, bool durable) {
    if (auto no = refused(path)) return *no;
    if (path.back() == '/') return model::error(Errc::invalid, std::string{path} + ": a directory");
    const auto temporary = temporary_of(path);
    auto written = write_temporary(temporary, bytes, durable);
    if (written && ::rename(temporary.c_str(), std::string{path}.c_str()) != 0)
        written = failed("rename onto", path);
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    return durable ? sync_directory(directory_of(path)) : Result<void>{};
}

Result<void> Files::write_at(std::string_view path, std::uint64_t offset, model::ByteView bytes) {
    return with_file(path, O_WRONLY | O_CREAT, [&](int fd, std::uint64_t) {
        return write_range(fd, path, offset, bytes);
    });
}

Result<void> Files::truncate(std::string_view path, std::uint64_t size) {
    if (auto no = refused(path)) return *no;
    if (::truncate(std::string{path}.c_str(), static_cast<off_t>(size)) != 0)
        return failed("truncate", path);
    return {};
}

Result<void> Files::sync(std::string_view path) {
    return with_file(
        path, O_RDONLY, [&](int fd, std::uint64_t) { return sync_descriptor(fd, path); });
}

Result<void> Files::sync_directory(std::string_view path) {
    if (auto no = refused(path)) return *no;
    const Descriptor directory{open_file(path, O_RDONLY | O_DIRECTORY)};
    if (!directory.open()) return failed("open directory", path);
    return sync_descriptor(directory.get(), path);
}

Result<void> Files::rename(std::string_view from, std::string_view to) {
    for (const auto path : {from, to})
        if (auto no = refused(path)) return *no;
    if (::rename(std::string{from}.c_str(), std::string{to}.c_str()) != 0)
        return failed("rename " + std::string{from} + " to", to);
    return {};
}

Result<void> Files::remove(std::string_view path) {
    if (auto no = refused(path)) return *no;
    if (::unlink(std::string{path}.c_str()) == 0 || errno == ENOENT) return {};
    return failed("remove", path);
}

Result<void> Files::give_to_owner_of(std::string_view directory, std::string_view file) {
    for (const auto path : {directory, file})
        if (auto no = refused(path)) return *no;
    struct stat owner {};
    if (::stat(std::string{directory}.c_str(), &owner) != 0) return failed("stat", directory);
    if (::chown(std::string{file}.c_str(), owner.st_uid, owner.st_gid) != 0 && errno != EPERM)
        return failed("change owner of", file);
    return {};
}

Result<void> Files::copy_owner(std::string_view from, std::string_view to) {
    for (const auto path : {from, to})
        if (auto no = refused(path)) return *no;
    struct stat model_of {};
    if (::stat(std::string{from}.c_str(), &model_of) != 0) return failed("stat", from);
    // The owner first: changing the owner clears bits of the mode.
    const std::string target{to};
    struct stat present {};
    if (::stat(target.c_str(), &present) != 0) return failed("stat", to);
    if ((present.st_uid != model_of.st_uid || present.st_gid != model_of.st_gid) &&
        ::chown(target.c_str(), model_of.st_uid, model_of.st_gid) != 0)
        return failed("change owner of", to);
    if (::chmod(target.c_str(), model_of.st_mode & 07777) != 0) return failed("change mode of", to);
    return {};
}

}  // namespace adapters::linux_host
