// A network path between two processes of this machine that can be cut.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace test_support {

/// Forwards TCP connections from its port on 127.0.0.1 to another one, on a thread of its own.
class Relay {
public:
    explicit Relay(int to);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    [[nodiscard]] int port() const;
    [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port()); }

    /// Silently drops the path: nothing passes in either direction, sent data waits, new
    /// connections are accepted but get no answer.
    void cut();
    /// After cut(): everything continues, and data that waited arrives.
    void resume();
    /// Closes all connections and refuses new ones.
    void refuse();
    /// Closes existing connections; new ones work.
    void heal();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace test_support
