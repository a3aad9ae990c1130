#include "adapters/linux/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "model/ids.h"
#include "model/lock_text.h"

namespace adapters::linux_host {
namespace {

using model::Errc;

model::Error failed(const std::string& path) {
    return model::error(Errc::invalid, path + ": " + std::strerror(errno));
}

std::string holder_of(const Descriptor& file) {
    std::array<char, PATH_MAX + 128> buffer{};
    const auto got = ::pread(file.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return {};
    return model::parse_lock_text({buffer.data(), static_cast<std::size_t>(got)}).holder;
}

}  // namespace

model::Result<StateLock> StateLock::take(const std::string& directory) {
    const auto path = directory + "/lock";
    Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
    if (!file.open()) return failed(path);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return StateLock{std::move(file)};
    if (errno != EWOULDBLOCK) return failed(path);
    const auto pid = holder_of(file);
    return model::error(
        Errc::conflict,
        path + " is held by " + (model::parse_number(pid) ? "process " + pid : "another process"));
}

}  // namespace adapters::linux_host
