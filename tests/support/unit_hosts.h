// Hosts with real systemd on a switch, on which this build's programs and units are installed, and
// a store that they all reach.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/nats_server.h"
#include "tests/support/net.h"
#include "tests/support/systemd_host.h"
#include "tests/support/writer.h"

namespace test_support {

/// Hosts are numbered from 1, and called node-1, node-2 …; `nats` is the store's name on each. The
/// backend's program is the example service, under the name that the shipped unit calls it by.
/// Waits throw on a timeout, with the journals' ends.
class UnitHosts {
public:
    enum class Installed : bool { no, yes };
    /// no: nothing but the backend's program is there, and this source tree, for a test that
    /// installs the rest itself.
    explicit UnitHosts(int hosts, Installed installed = Installed::yes);
    ~UnitHosts();
    UnitHosts(const UnitHosts&) = delete;
    UnitHosts& operator=(const UnitHosts&) = delete;

    [[nodiscard]] int size() const { return static_cast<int>(hosts_.size()); }
    [[nodiscard]] SystemdHost& host(int host) {
        return *hosts_.at(static_cast<std::size_t>(host - 1));
    }
    [[nodiscard]] NatsServer& server() { return server_; }
    [[nodiscard]] const Net& net() const { return net_; }
    [[nodiscard]] static std::string name(int host) { return "node-" + std::to_string(host); }

    /// Runs shell commands in the source tree, with which `make install` installs this build. As
    /// SystemdHost::run().
    [[nodiscard]] SystemdHost::Ran run(int host, const std::string& commands);
    /// Writes the configuration of a node whose backend is the unit, and starts the daemon's unit.
    /// backend  JSON, merged into the key of that name
    void start(int host, const std::string& backend = "{}");
    /// After SystemdHost::power_on(): what a machine keeps over a power cut is installed again.
    void install(int host);

    [[nodiscard]] Endpoint backend(int host) const { return {Net::address(host), 3210}; }
    [[nodiscard]] std::vector<Endpoint> backends() const;
    /// Whether a process of the backend's unit lives, by the kernel.
    [[nodiscard]] bool backend_lives(int host) const;
    [[nodiscard]] int backends_alive() const;
    /// The host whose backend answers and that says it is ready; 0: none, or several.
    [[nodiscard]] int serving() const;
    int wait_serving(int other_than = 0);
    /// Until every other host's daemon says that it has a whole copy and could lead.
    void wait_fit();
    void wait_until(const std::string& what,
                    const std::function<bool()>& holds,
                    std::chrono::seconds limit = std::chrono::seconds{40}) const;
    /// GET /status of a daemon; "" no answer.
    [[nodiscard]] std::string status(int host) const;
    [[nodiscard]] std::string journal(int host) const;

private:
    void add_program(const std::string& directory) const;

    Net net_;
    NatsServer server_;
    TempDir installed_;
    std::vector<std::unique_ptr<TempDir>> data_;  // /var/lib/convex, which survives a power cut
    std::vector<std::unique_ptr<SystemdHost>> hosts_;
};

}  // namespace test_support
