// A host of a test: real systemd as the first process of namespaces of its own, with a system bus,
// over a private copy of this machine's files.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace test_support {

/// Needs root, cgroup2 and overlayfs; throws where anything fails. Everything of it is killed and
/// removed by the destructor, and nothing else.
class SystemdHost {
public:
    struct Options {
        /// A command that runs its arguments in the host's network: `Net::on(host, {})`. Empty: the
        /// host gets a network of its own, with a loopback alone.
        std::vector<std::string> network;
        std::vector<std::string> binds;  // directories of this machine that are the host's as well
    };
    SystemdHost();
    explicit SystemdHost(Options options);
    ~SystemdHost();
    SystemdHost(const SystemdHost&) = delete;
    SystemdHost& operator=(const SystemdHost&) = delete;

    /// Boots again after power_off(). What survives is in share() and in the bound directories.
    void power_on();
    /// As a power cut: every process of it dies at once.
    void power_off();
    /// All of it stands still, as a machine that is paused.
    void freeze(bool on) const;

    /// Address of its system bus.
    [[nodiscard]] std::string bus() const;
    /// Its directory /run/share, for sockets and results.
    [[nodiscard]] std::string share() const { return directory_.path() + "/share"; }
    /// A path of the host as this machine has it.
    [[nodiscard]] std::string outside(const std::string& path) const;
    /// Its cgroup on this machine: the root of its cgroup2.
    [[nodiscard]] std::string cgroup() const { return cgroup_; }
    /// Process 1 of the host, as this machine counts.
    [[nodiscard]] pid_t init() const { return init_; }

    /// Writes /run/systemd/system/<name>, and has systemd read it.
    void write_unit(const std::string& name, const std::string& text) const;
    void remove_unit(const std::string& name) const;

    struct Ran {
        int status = -1;
        std::string output;  // both streams
    };
    /// Runs a shell command as the host's root, and waits for its end; 60 s at most.
    [[nodiscard]] Ran run(const std::string& command) const;
    /// As run(); throws where its status is not 0.
    std::string must_run(const std::string& command) const;

private:
    Options options_;
    TempDir directory_;
    std::string cgroup_;
    pid_t starter_ = 0;
    pid_t init_ = 0;
};

}  // namespace test_support
