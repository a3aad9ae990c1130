// A cluster of real daemons on this machine: nodes with the example service as their backend, a
// nats-server, all in a folder of the test's own.
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

/// What a node's configuration says beside the usual.
struct NodeOptions {
    std::string node_id;                     // "": n<number>
    std::string nats_url;                    // "": the server's own
    std::string state_dir;                   // "": of its own
    std::vector<std::string> command;        // "": notes
    std::map<std::string, std::string> env;  // of the backend
    int start_timeout_ms = 10'000;
    int stop_timeout_ms = 5'000;
    int priority = 100;
    bool nofailover = false;
};

struct ClusterOptions {
    int nodes = 3;
    int ttl_ms = 2'500;
    int heartbeat_ms = 500;
    bool server = true;  // false: its nats-server is started by the test
    bool start = true;   // all nodes at once
    const Net* net =
        nullptr;  // each node on its host, the server on the client's; it outlives this
    std::function<void(int, NodeOptions&)> each;
};

/// What the store says, read in one go.
struct Snapshot {
    std::optional<model::LeaseRecord> lease;
    std::map<std::string, model::NodeStatus> nodes;

    [[nodiscard]] std::uint64_t epoch() const { return lease ? lease->epoch.value : 0; }
    /// Its id where a node holds the lease, reports this epoch as primary and a healthy backend;
    /// else "".
    [[nodiscard]] std::string serving() const;
    [[nodiscard]] bool condition(const std::string& node, model::ConditionType type) const;
};

/// Nodes are numbered from 1. Construction and every wait throw when they do not come to their end
/// in time, with what they waited for and the end of every log.
class Cluster {
public:
    explicit Cluster(ClusterOptions options = {});
    /// Kills what is left and fails the test where something stays.
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    [[nodiscard]] NatsServer& server() { return *server_; }
    void start_server();
    [[nodiscard]] int size() const { return static_cast<int>(nodes_.size()); }
    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] const std::string& folder() const { return folder_.path(); }
    [[nodiscard]] const std::string& name(int node) const { return at(node).options.node_id; }
    /// The node of this id; 0: none.
    [[nodiscard]] int number(const std::string& name) const;
    [[nodiscard]] NodeOptions& options(int node) { return at(node).options; }

    /// Starts the daemon with a freshly written configuration.
    void start(int node);
    /// SIGTERM, and waits for its end: exit status. Throws after `limit`.
    int stop(int node, std::chrono::seconds limit = std::chrono::seconds{30});
    /// Waits for a daemon that ends by itself.
    int wait_end(int node, std::chrono::seconds limit = std::chrono::seconds{30});
    /// A power cut of the processes: SIGKILL to warden, node process and backend.
    void kill_all(int node);
    /// SIGKILL to the warden alone; waits until it is reaped.
    void kill_warden(int node);

    [[nodiscard]] pid_t warden_pid(int node) const { return at(node).warden; }
    [[nodiscard]] pid_t node_pid(int node) const;     // 0: none
    [[nodiscard]] pid_t backend_pid(int node) const;  // 0: none
    /// Any process of its backend lives, as the kernel's cgroup tells.
    [[nodiscard]] bool backend_lives(int node) const;

    [[nodiscard]] std::optional<Snapshot> look();
    using Predicate = std::function<bool(const Snapshot&)>;
    /// Looks every 20 ms. `what` is read as "waited 10 s for: <what>".
    Snapshot wait_for(const std::string& what,
                      const Predicate& predicate,
                      std::chrono::seconds limit = std::chrono::seconds{30});
    /// The same, for what is not in the store.
    void wait_until(const std::string& what,
                    const std::function<bool()>& holds,
                    std::chrono::seconds limit = std::chrono::seconds{30});
    /// The number of the node that serves, in an epoch after `epoch`.
    int wait_serving(std::uint64_t epoch = 0,
                     std::chrono::seconds limit = std::chrono::seconds{40});
    /// Every node that runs has a whole copy with all that the primary had at this call.
    void wait_replicated(std::chrono::seconds limit = std::chrono::seconds{30});
    /// Writes the wish; returns its id.
    std::string wish_switchover(int to);
    /// Changes the lease's bucket as somebody else's tool would.
    void delete_leader_key();

    [[nodiscard]] std::string path(int node, const std::string& name) const;
    [[nodiscard]] std::string data(int node) const { return path(node, "data/notes.db"); }
    [[nodiscard]] std::string replica(int node) const { return path(node, "replica/notes.db"); }
    [[nodiscard]] int backend_port(int node) const { return at(node).backend_port; }
    [[nodiscard]] Endpoint backend(int node) const { return {host(node), backend_port(node)}; }
    [[nodiscard]] std::vector<Endpoint> backend_ports() const;
    [[nodiscard]] std::string log(int node) const;
    /// The configuration file, as start() writes it.
    std::string write_config(int node) const;
    /// The command of a daemon with this configuration, for processes of the test's own.
    [[nodiscard]] static std::vector<std::string> daemon(const std::string& config);
    [[nodiscard]] static std::string notes_program();

    /// "waited ... for: what", and the end of every log.
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
    TempDir folder_;
    std::string id_;
    std::unique_ptr<NatsServer> server_;
    std::vector<Node> nodes_;
    std::unique_ptr<Store> store_;
};

/// Looks every five milliseconds, from a thread of its own, which nodes have a living backend.
class LivenessWatch {
public:
    explicit LivenessWatch(const Cluster& cluster);
    ~LivenessWatch();
    LivenessWatch(const LivenessWatch&) = delete;
    LivenessWatch& operator=(const LivenessWatch&) = delete;

    /// Ends it. How often two nodes had a backend at once.
    int stop();
    [[nodiscard]] int looks() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace test_support
