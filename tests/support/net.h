// Network namespaces of a test as hosts on a switch, whose links can be cut.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace test_support {

/// From construction to destruction, the calling thread and what it starts are a client on the
/// switch with the address 10.77.0.254; hosts are numbered from 1, with 10.77.0.<number> and
/// fd77::<number>; each has the interface eth0, at the port p<number> of the switch. No namespace
/// has a route out. Each lives as long as a process that holds it, which ends with this
/// thread; so nothing is left behind, however the test ends. Needs root; throws where anything
/// fails.
class Net {
public:
    explicit Net(int hosts);
    ~Net();
    Net(const Net&) = delete;
    Net& operator=(const Net&) = delete;

    [[nodiscard]] static std::string address(int host) { return "10.77.0." + std::to_string(host); }
    [[nodiscard]] static std::string client() { return "10.77.0.254"; }
    /// The command that runs `command` on that host.
    [[nodiscard]] std::vector<std::string> on(int host, std::vector<std::string> command) const;

    /// Runs `what` on a thread in the host's network namespace, and waits; 0: the client's. Sockets
    /// that are opened there stay in it.
    void inside(int host, const std::function<void()>& what) const;
    /// Runs shell commands there; returns their output. Throws where they fail.
    std::string shell(int host, const std::string& script) const;

    /// The carrier is lost, and comes back.
    void unplug(int host) const;
    void plug_in(int host) const;
    /// A silent partition: the carrier stays up, but no packet passes in either direction.
    void cut(int host) const;
    void heal(int host) const;
    /// The switch drops what matches one of these rules of nftables, in the order of its bridge
    /// family; the host's port is p<number>, the client's pc. Replaces earlier rules; {}: none.
    void drop(const std::vector<std::string>& rules) const;

private:
    void end();
    /// Creates a network namespace; returns the process that holds it.
    [[nodiscard]] pid_t hold();
    [[nodiscard]] static std::string file(pid_t holder);
    [[nodiscard]] pid_t holder_of(int host) const;
    /// Runs shell commands in a namespace; returns their output.
    static std::string run(pid_t holder, const std::string& script);
    void plug(pid_t holder, const std::string& port, int number) const;

    TempDir directory_;
    int home_ = -1;  // the namespace that the thread came from
    pid_t switch_ = 0;
    pid_t client_ = 0;
    std::vector<pid_t> hosts_;
};

}  // namespace test_support
