// A TCP connection to a host, made without waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/resolve.h"

namespace adapters::http {

/// Looks the host up and tries its addresses in their order. Has no time limit of its own.
class Dial {
public:
    enum class State : std::uint8_t { pending, connected, failed };

    Dial(std::string host, std::uint16_t port);
    ~Dial();
    Dial(const Dial&) = delete;
    Dial& operator=(const Dial&) = delete;

    /// Goes as far as it can without waiting.
    [[nodiscard]] State poll();
    /// Whether the host is an address, not a name.
    [[nodiscard]] bool to_address() const { return resolution_.numeric(); }
    /// Does not block, and belongs to this. -1: it is looking the host up, or it failed.
    [[nodiscard]] int fd() const { return fd_; }
    /// Where it failed: "connect: Connection refused".
    [[nodiscard]] const std::string& failure() const { return failure_; }
    /// While pending, what it waits for: "resolves its name", "connects".
    [[nodiscard]] std::string_view activity() const { return activity_; }
    void close();

private:
    [[nodiscard]] bool resolve();
    [[nodiscard]] bool next_address();
    [[nodiscard]] bool finish();

    const std::string host_;
    State state_ = State::pending;
    Resolution resolution_;
    std::optional<std::vector<Address>> addresses_;
    std::size_t next_ = 0;
    int fd_ = -1;
    std::string failure_ = "connect: no address";
    std::string_view activity_ = "resolves its name";
};

}  // namespace adapters::http
