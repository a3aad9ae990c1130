// A nats-server with JetStream for one test.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.h"

namespace test_support {

/// Runs from construction to destruction on a free port of 127.0.0.1, with its own store directory;
/// is killed when the test process ends. Prints its log when the test has failed. The constructor
/// throws when the server does not start.
class NatsServer {
public:
    /// `config`: additional lines of its configuration file, e.g. authorization.
    explicit NatsServer(std::string config = {});
    ~NatsServer();
    NatsServer(const NatsServer&) = delete;
    NatsServer& operator=(const NatsServer&) = delete;

    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Sends the signal and waits for the end.
    void stop(int signal = SIGKILL);
    /// Starts it again after stop(), on the same port with the same store.
    void start();
    /// Stops the process but not its sockets: SIGSTOP and SIGCONT.
    void freeze();
    void thaw();
    /// Sets the additional configuration lines for the next start().
    void set_config(std::string config) { config_ = std::move(config); }
    /// After stop(): deletes the store.
    void wipe();

private:
    bool try_start();
    [[nodiscard]] std::string log_file() const { return directory_.path() + "/log"; }

    TempDir directory_;
    std::string config_;
    std::uint16_t port_ = 0;
    pid_t pid_ = 0;
};

/// Servers s0, s1, ... that replicate each other's streams. Their JetStream needs some seconds
/// before it answers.
class NatsCluster {
public:
    explicit NatsCluster(std::size_t size);

    [[nodiscard]] NatsServer& at(std::size_t index) { return *servers_.at(index); }
    [[nodiscard]] std::vector<std::string> urls() const;

private:
    std::vector<std::unique_ptr<NatsServer>> servers_;
};

}  // namespace test_support
