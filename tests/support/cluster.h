// A cluster of real daemons on this machine: nodes with the example service as backend, and a
// nats-server, in a temporary directory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/lease.h"
#include "model/status.h"
#include "tests/support/nats_server.h"
#include "tests/support/net.h"
#include "tests/support/temp_dir.h"
#include "tests/support/writer.h"

namespace test_support {

/// Settings of a node that differ from the default.
struct NodeOptions {
    std::string node_id;                     // "": n<number>
    std::vector<std::string> nats_urls;      // empty: the cluster's server
    std::string state_dir;                   // "": in the cluster's directory
    std::vector<std::string> command;        // empty: the example service
    std::map<std::string, std::string> env;  // added to the backend's environment
    int start_timeout_ms = 10'000;
    int stop_timeout_ms = 5'000;
    int priority = 100;
    bool nofailover = false;
    std::string services;            // JSON, the key `services`; "": none
    std::string vips;                // JSON, the key `vips`; "": none
    std::string vip;                 // JSON, the key `vip`; "": none
    std::vector<std::string> under;  // a program that runs the daemon, with its arguments
    bool allow_remote_stepdown = false;
};

struct ClusterOptions {
    int nodes = 3;
    int ttl_ms = 2'500;
    int heartbeat_ms = 500;
    bool server = true;  // false: the test starts the nats-server
    bool start = true;   // start all nodes at once
    // of all backends, each on every address of its host; 0: one each, on one address
    int backend_port = 0;
    const Net* net =
        // each node on a host of it, the server on the client's; must outlive the cluster
        nullptr;
    std::function<void(int, NodeOptions&)> each;
};

/// The contents of the store, read at one time.
struct Snapshot {
    std::optional<model::LeaseRecord> lease;
    std::map<std::string, model::NodeStatus> nodes;

    [[nodiscard]] std::uint64_t epoch() const { return lease ? lease->epoch.value : 0; }
    /// Id of the node that holds the lease and reports this epoch, the role PRIMARY and a healthy
    /// backend; else "".
    [[nodiscard]] std::string serving() const;
    [[nodiscard]] bool condition(const std::string& node, model::ConditionType type) const;
};

/// Nodes are numbered from 1. The constructor and every wait throw on a timeout; the message says
/// what they waited for, with the end of every log.
class Cluster {
public:
    explicit Cluster(ClusterOptions options = {});
    /// Kills all processes, and fails the test where one survives.
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    [[nodiscard]] NatsServer& server() { return *server_; }
    void start_server();
    [[nodiscard]] int size() const { return static_cast<int>(nodes_.size()); }
    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] const std::string& directory() const { return directory_.path(); }
    [[nodiscard]] const std::string& name(int node) const { return at(node).options.node_id; }
    /// The number of the node with this id; 0: none.
    [[nodiscard]] int number(const std::string& name) const;
    [[nodiscard]] NodeOptions& options(int node) { return at(node).options; }

    /// Writes the configuration and starts the daemon.
    void start(int node);
    /// Sends SIGTERM and waits; returns the exit status. Throws after `limit`.
    int stop(int node, std::chrono::seconds limit = std::chrono::seconds{30});
    /// Waits until a daemon ends by itself; returns the exit status.
    int wait_end(int node, std::chrono::seconds limit = std::chrono::seconds{30});
    /// SIGKILL to warden, node process and backend at once.
    void kill_all(int node);
    /// SIGKILL to the warden only; waits until it is reaped.
    void kill_warden(int node);

    [[nodiscard]] pid_t warden_pid(int node) const { return at(node).warden; }
    [[nodiscard]] pid_t node_pid(int node) const;     // 0: none
    [[nodiscard]] pid_t backend_pid(int node) const;  // 0: none
    /// Whether any process of its backend lives, by the kernel's cgroup.
    [[nodiscard]] bool backend_lives(int node) const;

    [[nodiscard]] std::optional<Snapshot> poll();
    using Predicate = std::function<bool(const Snapshot&)>;
    /// Checks every 20 ms. `what` completes "waited 10 s for: <what>".
    Snapshot wait_for(const std::string& what,
                      const Predicate& predicate,
                      std::chrono::seconds limit = std::chrono::seconds{30});
    /// As wait_for(), for conditions outside the store.
    void wait_until(const std::string& what,
                    const std::function<bool()>& holds,
                    std::chrono::seconds limit = std::chrono::seconds{30});
    /// Waits until a node serves in an epoch after `epoch`; returns its number.
    int wait_serving(std::uint64_t epoch = 0,
                     std::chrono::seconds limit = std::chrono::seconds{40});
    /// Waits until every running node has a complete copy of all that the primary had at this call.
    void wait_replicated(std::chrono::seconds limit = std::chrono::seconds{30});
    /// Writes the request; returns its id.
    std::string request_switchover(int to);
    /// Deletes the key `leader` as another tool would.
    void delete_leader_key();

    [[nodiscard]] std::string path(int node, const std::string& name) const;
    [[nodiscard]] std::string data(int node) const { return path(node, "data/notes.db"); }
    [[nodiscard]] std::string replica(int node) const { return path(node, "replica/notes.db"); }
    [[nodiscard]] int backend_port(int node) const { return at(node).backend_port; }
    [[nodiscard]] Endpoint backend(int node) const { return {host(node), backend_port(node)}; }
    [[nodiscard]] Endpoint api(int node) const { return {host(node), at(node).api_port}; }
    [[nodiscard]] Endpoint metrics(int node) const { return {host(node), at(node).metrics_port}; }
    [[nodiscard]] std::vector<Endpoint> backend_ports() const;
    [[nodiscard]] std::string log(int node) const;
    /// The configuration file, as start() writes it.
    std::string write_config(int node) const;
    /// The command line of a daemon with this configuration, for processes that the test starts.
    [[nodiscard]] static std::vector<std::string> daemon(const std::string& config);
    [[nodiscard]] static std::string notes_program();

    /// Throws "waited ... for: what" with the end of every log.
    [[noreturn]] void fail(const std::string& what) const;

private:
    struct Store;
    struct Node {
        NodeOptions options;
        int backend_port = 0;
        int api_port = 0;
        int metrics_port = 0;
        pid_t warden = 0;
        std::string cgroup;  // of its backend; the same for every start
    };
    [[nodiscard]] Node& at(int node) { return nodes_.at(static_cast<std::size_t>(node - 1)); }
    [[nodiscard]] const Node& at(int node) const {
        return nodes_.at(static_cast<std::size_t>(node - 1));
    }
    [[nodiscard]] std::string cgroup_name(int node) const;
    [[nodiscard]] std::string host(int node) const;
    void kill_cgroup(int node) const;
    Store& store();

    ClusterOptions options_;
    TempDir directory_;
    std::string id_;
    std::unique_ptr<NatsServer> server_;
    std::vector<Node> nodes_;
    std::unique_ptr<Store> store_;
};

/// Polls every 5 ms, on a thread, which nodes have a living backend.
class LivenessWatch {
public:
    explicit LivenessWatch(const Cluster& cluster);
    ~LivenessWatch();
    LivenessWatch(const LivenessWatch&) = delete;
    LivenessWatch& operator=(const LivenessWatch&) = delete;

    /// Stops polling. Returns how often two nodes had a living backend at once.
    int stop();
    [[nodiscard]] int polls() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace test_support
