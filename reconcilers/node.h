// A node: its reconcilers, built over ports and stepped one at a time, and the board between them.
// The daemon runs each part on a thread, the simulator steps them in one; the decisions are the
// same.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/lease.h"
#include "model/status.h"
#include "model/time.h"
#include "reconcilers/backend/backend.h"
#include "reconcilers/board.h"
#include "reconcilers/membership/membership.h"
#include "reconcilers/ports/addresses.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/cluster_store.h"
#include "reconcilers/ports/database.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/files.h"
#include "reconcilers/ports/health_probe.h"
#include "reconcilers/ports/lease_store.h"
#include "reconcilers/ports/log_store.h"
#include "reconcilers/ports/service_checks.h"
#include "reconcilers/ports/service_store.h"
#include "reconcilers/ports/store_check.h"
#include "reconcilers/ports/warden.h"
#include "reconcilers/registry/registry.h"
#include "reconcilers/replica/replica.h"
#include "reconcilers/role/role.h"
#include "reconcilers/vip/vip.h"

namespace reconcilers {

/// The reconcilers of a node. Each is stepped by one thread at a time; different parts may run at
/// the same time.
enum class Part : std::uint8_t { role, replica, vip, backend, membership, registry };
inline constexpr std::array all_parts{
    Part::role, Part::replica, Part::vip, Part::backend, Part::membership, Part::registry};
[[nodiscard]] std::string_view to_text(Part part);

struct NodeSettings {
    std::string node_id;
    std::string cluster_id;
    model::Host host;
    std::string incarnation;  // unique to this process
    std::string version;
    std::vector<std::string> addresses;
    std::string api_url;
    model::LeaseTiming timing;
    bool nofailover = false;
    int priority = 100;
    replica::Paths paths;
    model::Duration snapshot_interval{};
    backend::Settings backend;
    vip::Settings vip;  // used with NodePorts::addresses alone
    std::vector<registry::Service> services;
};

/// What a node's registry needs: a node without it registers nothing, and its part is never woken.
struct RegistryPorts {
    ports::ServiceStore& store;
    ports::ServiceChecks& checks;
};

/// The ports that a node uses. All must outlive the node.
struct NodePorts {
    ports::LeaseStore& lease;
    ports::ClusterStore& cluster;
    ports::LogStore& log;
    ports::StoreCheck& store_check;
    ports::Files& files;
    ports::Database& database;
    ports::Backend& backend;
    ports::HealthProbe& probe;
    ports::Warden& warden;
    ports::Clock& clock;
    ports::Random& random;
    ports::Events& events;
    std::optional<RegistryPorts> registry{};
    /// Null: there are no virtual addresses, and their part is never woken.
    ports::Addresses* addresses = nullptr;
};

/// The node's state as shown within its process.
struct NodeView {
    Board board;
    model::NodeStatus status;  // last published, or about to be
};

/// Stores the view for several threads.
class NodeViewStore {
public:
    virtual ~NodeViewStore() = default;
    /// A consistent copy of the board.
    [[nodiscard]] virtual Board board() const = 0;
    /// Runs `change` on the view with exclusive access. It must not block.
    virtual void update(const std::function<void(NodeView&)>& change) = 0;
};

class Node {
public:
    /// Requests a step of a part; `hinted`: something outside of the board that it depends on has
    /// changed. Called from any thread; must not block.
    using Wake = std::function<void(Part part, bool hinted)>;

    Node(const NodeSettings& settings, const NodePorts& ports, NodeViewStore& view, Wake wake);

    /// Call before the first step: registers for hints at the ports. After disconnect() returned,
    /// no hint comes.
    void connect();
    void disconnect();

    /// Runs one bounded pass of a part. Returns when to step it again at the latest.
    [[nodiscard]] model::Instant step(Part part, bool hinted);

    /// Requests an orderly step-down of all parts; RoleView::finished reports its end.
    void shut_down();

private:
    template <typename View>
    void publish(View Board::*slot, View next);
    void wake_all();
    /// A part that this node does not have is never woken.
    [[nodiscard]] bool has(Part part) const;

    NodePorts ports_;
    NodeViewStore& view_;
    Wake wake_;
    role::RoleReconciler role_;
    replica::ReplicaReconciler replica_;
    backend::BackendReconciler backend_;
    membership::MembershipReconciler membership_;
    std::optional<registry::RegistryReconciler> registry_;
    std::optional<vip::VipReconciler> vip_;
};

/// What `join` does without a daemon: brings the copy of a node that runs nothing else up to the
/// end of the log.
class Bootstrap {
public:
    struct Ports {
        ports::LogStore& log;
        ports::Files& files;
        ports::Database& database;
        ports::Clock& clock;
        ports::Events& events;
    };
    Bootstrap(const NodeSettings& settings, const Ports& ports);

    struct Pass {
        enum class State : std::uint8_t {
            working,
            copied,   // the copy is complete, at the end of the log
            no_data,  // the log was read to its end and has no data
        };
        State state = State::working;
        std::string progress;  // for people
        model::Instant wake_at{};
    };
    /// One bounded pass. corrupt: the log and this node's data contradict each other, which needs
    /// an operator. unavailable: no progress for 30 s; the message says what it waited for.
    [[nodiscard]] model::Result<Pass> step();

private:
    ports::Clock& clock_;
    replica::ReplicaReconciler replica_;
    Board board_;
    std::string progress_;
    model::Instant progress_at_{};
};

}  // namespace reconcilers
