// Hosts on a switch: network namespaces of one test's own, whose links can be cut.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace test_support {

/// From construction to destruction the calling thread, and what it starts, is the client on the
/// switch, with the address 10.77.0.254; hosts are numbered from 1 and have 10.77.0.<number>. No
/// namespace has a way out. Each lives as long as a process that holds it, which ends with this
/// thread: nothing stays, however the test ends. Needs root; throws where anything fails.
class Net {
public:
    explicit Net(int hosts);
    ~Net();
    Net(const Net&) = delete;
    Net& operator=(const Net&) = delete;

    [[nodiscard]] static std::string address(int host) { return "10.77.0." + std::to_string(host); }
    [[nodiscard]] static std::string client() { return "10.77.0.254"; }
    /// The command as a process on that host.
    [[nodiscard]] std::vector<std::string> on(int host, std::vector<std::string> command) const;

    /// The honest partition: the carrier stays up, and nothing arrives in either direction.
    void cut(int host) const;
    void heal(int host) const;

private:
    void end();
    /// A new network namespace; the process that holds it.
    [[nodiscard]] pid_t hold();
    [[nodiscard]] static std::string file(pid_t holder);
    /// Shell lines in a namespace.
    static void run(pid_t holder, const std::string& script);
    void plug(pid_t holder, const std::string& port, const std::string& address) const;

    TempDir folder_;
    int home_ = -1;  // the namespace that the thread came from
    pid_t switch_ = 0;
    pid_t client_ = 0;
    std::vector<pid_t> hosts_;
};

}  // namespace test_support
