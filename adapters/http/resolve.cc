#include "adapters/http/resolve.h"

#include <netdb.h>

#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "adapters/sync/mutex.h"

namespace adapters::http {
namespace {

using model::Errc;

std::vector<Address> addresses(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* found = nullptr;
    std::vector<Address> list;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return list;
    for (const auto* at = found; at != nullptr; at = at->ai_next) {
        Address address{.size = at->ai_addrlen};
        std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
        list.push_back(address);
    }
    ::freeaddrinfo(found);
    return list;
}

std::vector<Address> by_name(const std::string& host, std::uint16_t port) {
    return addresses(host, port, AI_ADDRCONFIG);
}

std::atomic<int> under_way = 0;

}  // namespace

struct Resolution::Shared {
    sync::Mutex mutex;
    std::optional<std::vector<Address>> found GUARDED_BY(mutex);
};

Resolution::Resolution(const std::string& host, std::uint16_t port, LookUp look_up)
    : shared_{std::make_shared<Shared>()} {
    auto numeric = addresses(host, port, AI_NUMERICHOST);
    numeric_ = !numeric.empty();
    if (numeric_) {
        const sync::Lock lock{shared_->mutex};
        shared_->found = std::move(numeric);
        return;
    }
    if (under_way.fetch_add(1) >= most_look_ups) {
        under_way.fetch_sub(1);
        started_ = model::error(Errc::unavailable, "the name service does not answer");
        return;
    }
    if (!look_up) look_up = by_name;
    try {
        std::thread{[shared = shared_, host, port, look_up = std::move(look_up)] {
            auto found = look_up(host, port);
            under_way.fetch_sub(1);
            const sync::Lock lock{shared->mutex};
            shared->found = std::move(found);
        }}.detach();
    } catch (const std::system_error& failure) {
        under_way.fetch_sub(1);
        started_ = model::error(Errc::unavailable, failure.what());
    }
}

std::optional<std::vector<Address>> Resolution::poll() {
    const sync::Lock lock{shared_->mutex};
    return shared_->found;
}

}  // namespace adapters::http
