// A nats-server with JetStream, of one test's own.
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

/// Runs from construction to destruction on a free port of 127.0.0.1, with a store folder of its
/// own; dies with the test. Prints its log when the test has failed. Throws when the server does
/// not start.
class NatsServer {
public:
    /// `config`: further lines of its configuration file, e.g. authorization.
    explicit NatsServer(std::string config = {});
    ~NatsServer();
    NatsServer(const NatsServer&) = delete;
    NatsServer& operator=(const NatsServer&) = delete;

    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Ends it and waits for its end.
    void stop(int signal = SIGKILL);
    /// Starts it again after stop(), same port, same store.
    void start();
    /// Stops its clock, not its sockets: SIGSTOP and SIGCONT.
    void freeze();
    void thaw();
    /// Further lines of its configuration, from the next start() on.
    void set_config(std::string config) { config_ = std::move(config); }
    /// After stop(): forgets everything that was stored.
    void wipe();

private:
    bool try_start();
    [[nodiscard]] std::string log_file() const { return folder_.path() + "/log"; }

    TempDir folder_;
    std::string config_;
    std::uint16_t port_ = 0;
    pid_t pid_ = 0;
};

/// Servers that replicate each other's streams; named s0, s1, ... Needs some seconds until its
/// JetStream answers.
class NatsCluster {
public:
    explicit NatsCluster(std::size_t size);

    [[nodiscard]] NatsServer& at(std::size_t index) { return *servers_.at(index); }
    [[nodiscard]] std::vector<std::string> urls() const;

private:
    std::vector<std::unique_ptr<NatsServer>> servers_;
};

}  // namespace test_support
