// One node process: the real reconcilers over the simulated machine and store. Destroying it is a
// kill.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "adapters/json/stores.h"
#include "model/lease.h"
#include "reconcilers/node.h"
#include "reconcilers/store_guard.h"
#include "tests/sim/cluster/mutation.h"
#include "tests/sim/cluster/random.h"
#include "tests/sim/cluster/schedule.h"
#include "tests/sim/database/sim_database.h"
#include "tests/sim/store/sim_kv_store.h"
#include "tests/sim/store/sim_log_store.h"

namespace sim {

using reconcilers::all_parts;
using reconcilers::Part;

struct ProcessSettings {
    std::string node_id;
    model::Host host;
    std::string incarnation;
    model::LeaseTiming timing;
    model::Duration snapshot_interval{};
    bool nofailover = false;
    int priority = 100;
    reconcilers::replica::Paths paths;
    reconcilers::backend::Settings backend;
    Mutation mutation = Mutation::none;
};

/// The machine's clock as a process reads it: each reading takes a little time, so that a loop that
/// waits for its time budget ends.
class ProcessClock final : public reconcilers::ports::Clock {
public:
    explicit ProcessClock(const MachineClock& machine) : machine_{machine} {}
    [[nodiscard]] model::Instant now() const override {
        last_ = std::max(machine_.now(), last_ + std::chrono::nanoseconds{200});
        return last_;
    }
    [[nodiscard]] model::WallTime wall() const override { return machine_.wall(); }

private:
    const MachineClock& machine_;
    mutable model::Instant last_{};
};

/// A node process's connections to the store.
enum class Connection : std::uint8_t { role, control, log };

class NodeProcess {
public:
    /// What it uses of the machine; everything outlives it, except the warden's socket.
    struct Environment {
        const MachineClock& clock;
        SimRandom& random;
        std::vector<SimServer*> servers;  // nats.servers; its connections begin with the first
        SimFiles& files;
        SimSqlite& sqlite;
        reconcilers::ports::HealthProbe& probe;
        reconcilers::ports::Events& events;
        std::unique_ptr<reconcilers::ports::Warden> warden;
        std::unique_ptr<reconcilers::ports::Addresses> addresses;  // null: it has none
        /// The part should be stepped soon; `hinted`: something that it depends on has changed.
        std::function<void(Part part, bool hinted)> wake;
        /// The role sends this record to the store.
        std::function<void(const model::LeaseRecord&)> lease_sent;
    };
    NodeProcess(ProcessSettings settings, Environment environment);
    ~NodeProcess();
    NodeProcess(const NodeProcess&) = delete;
    NodeProcess& operator=(const NodeProcess&) = delete;

    /// Runs one pass. Returns when to run the next at the latest, on the machine's clock.
    [[nodiscard]] model::Instant step(Part part, bool hinted);

    [[nodiscard]] const reconcilers::Board& board() const { return view_.view.board; }
    /// The status last published, or about to be.
    [[nodiscard]] const model::NodeStatus& status() const { return view_.view.status; }
    [[nodiscard]] const std::string& incarnation() const { return settings_.incarnation; }
    void shut_down();
    void database_changed() const { database_.changed(); }
    [[nodiscard]] bool writers_locked() const { return database_.writers_locked(); }
    [[nodiscard]] const std::array<SimClient*, 3>& clients() const { return clients_; }
    [[nodiscard]] SimClient& client(Connection which) const {
        return *clients_[static_cast<std::size_t>(which)];
    }

private:
    class LeaseTap;
    class Check final : public reconcilers::ports::StoreCheck {
    public:
        explicit Check(NodeProcess& process) : process_{process} {}
        [[nodiscard]] reconcilers::ports::StoreView view() override;

    private:
        NodeProcess& process_;
    };

    [[nodiscard]] SimClient& new_client(const std::string& use);
    /// Admission of connections, as the keeper threads of real connections do it: L12.
    void check_connections();
    void check_connection(reconcilers::StoreUse use);
    void ensure_buckets();

    /// One thread, so no lock.
    struct View final : reconcilers::NodeViewStore {
        [[nodiscard]] reconcilers::Board board() const override { return view.board; }
        void update(const std::function<void(reconcilers::NodeView&)>& change) override {
            change(view);
        }
        reconcilers::NodeView view;
    };

    ProcessSettings settings_;
    Environment environment_;
    ProcessClock clock_;
    reconcilers::StoreGuard guard_;
    Check check_{*this};
    model::Instant next_move_{};
    std::uint64_t given_up_ = 0;
    std::array<SimClient*, 3> clients_;
    SimKvStore election_;
    SimKvStore state_;
    SimKvStore spec_;
    SimLogStore log_;
    std::unique_ptr<adapters::kv::KvStore> mutated_election_;
    adapters::json::KvLeaseStore lease_;
    adapters::json::KvClusterStore cluster_;
    SimDatabase database_;
    std::unique_ptr<reconcilers::ports::Backend> backend_;
    std::unique_ptr<LeaseTap> lease_tap_;
    std::unique_ptr<reconcilers::ports::LogStore> mutated_log_;
    std::unique_ptr<reconcilers::ports::Database> mutated_database_;
    std::unique_ptr<reconcilers::ports::Backend> mutated_backend_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

    View view_;
    reconcilers::Node node_;
};

}  // namespace sim
