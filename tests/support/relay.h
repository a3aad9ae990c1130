// A piece of network between two processes of this machine, to cut.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace test_support {

/// Forwards TCP connections to its port on 127.0.0.1 to another one, from a thread of its own.
class Relay {
public:
    explicit Relay(int to);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    [[nodiscard]] int port() const;
    [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port()); }

    /// Nothing passes any more, in either direction, and nobody is told: what is sent waits, new
    /// connections are taken and stay silent.
    void cut();
    /// After cut(): all goes on, and what waited arrives now.
    void resume();
    /// Closes all connections and refuses new ones.
    void refuse();
    /// All connections made before end; new ones work.
    void heal();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace test_support
