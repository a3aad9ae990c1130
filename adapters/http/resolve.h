// Host names as addresses, without waiting for the name server.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/result.h"

namespace adapters::http {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

/// Look-ups of names that may be under way in this process. More are refused: where the name
/// service does not answer, each holds a thread until that gives up.
inline constexpr int most_look_ups = 16;

/// One look-up. A name that is no number takes a short thread of its own, which may outlive this.
class Resolution {
public:
    /// The host's addresses; may wait.
    using LookUp = std::function<std::vector<Address>(const std::string& host, std::uint16_t port)>;

    /// look_up  empty: the machine's name service
    Resolution(const std::string& host, std::uint16_t port, LookUp look_up = {});

    /// Empty: not known yet. An empty list: the host has no address.
    [[nodiscard]] std::optional<std::vector<Address>> poll();
    /// Whether the host is an address.
    [[nodiscard]] bool numeric() const { return numeric_; }
    /// unavailable: too many are under way, or no thread could be made; it will never be known.
    [[nodiscard]] const model::Result<void>& started() const { return started_; }

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
    model::Result<void> started_;
    bool numeric_ = false;
};

}  // namespace adapters::http
