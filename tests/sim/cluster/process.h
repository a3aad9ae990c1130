// One node process: the real reconcilers over the simulated machine and store, stepped as app/node
// steps them. It dies with its object.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "app/stores.h"
#include "model/lease.h"
#include "reconcilers/backend/backend.h"
#include "reconcilers/board.h"
#include "reconcilers/membership/membership.h"
#include "reconcilers/replica/replica.h"
#include "reconcilers/role/role.h"
#include "tests/sim/cluster/mutation.h"
#include "tests/sim/cluster/random.h"
#include "tests/sim/cluster/schedule.h"
#include "tests/sim/database/sim_database.h"
#include "tests/sim/store/sim_kv_store.h"
#include "tests/sim/store/sim_log_store.h"

namespace sim {

enum class Part : std::uint8_t { role, replica, backend, membership };
inline constexpr std::array all_parts{Part::role, Part::replica, Part::backend, Part::membership};

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

/// The machine's clock as one process reads it: a step takes a little time, so that no loop in one
/// waits for ever for its budget to end.
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

class NodeProcess {
public:
    /// What it uses of the machine. All of it outlives the process, but for the warden's socket.
    struct Surroundings {
        const MachineClock& clock;
        SimRandom& random;
        SimServer& server;
        SimFiles& files;
        SimSqlite& sqlite;
        reconcilers::ports::HealthProbe& probe;
        reconcilers::ports::Events& events;
        std::unique_ptr<reconcilers::ports::Warden> warden;
        /// A part is to be stepped soon; `hinted`: something it depends on changed.
        std::function<void(Part part, bool hinted)> wake;
        /// The role sends this record.
        std::function<void(const model::LeaseRecord&)> lease_sent;
    };
    NodeProcess(ProcessSettings settings, Surroundings surroundings);
    ~NodeProcess();
    NodeProcess(const NodeProcess&) = delete;
    NodeProcess& operator=(const NodeProcess&) = delete;

    /// One pass. Returns when to come again at the latest, on the machine's clock.
    [[nodiscard]] model::Instant step(Part part, bool hinted);

    [[nodiscard]] const reconcilers::Board& board() const { return board_; }
    [[nodiscard]] const std::string& incarnation() const { return settings_.incarnation; }
    void shut_down();
    void database_changed() const { database_.changed(); }
    [[nodiscard]] bool fenced() const { return database_.fenced(); }
    /// Its connections: role, control, log.
    [[nodiscard]] const std::array<SimClient*, 3>& clients() const { return clients_; }

private:
    class LeaseTap;

    template <typename View>
    void write(View& stands, View view, bool wakes);

    ProcessSettings settings_;
    Surroundings around_;
    ProcessClock clock_;
    std::array<SimClient*, 3> clients_;
    SimKvStore election_;
    SimKvStore state_;
    SimKvStore spec_;
    SimLogStore log_;
    std::unique_ptr<reconcilers::ports::KvStore> mutated_election_;
    app::LeaseKv lease_;
    app::ClusterKv cluster_;
    SimDatabase database_;
    std::unique_ptr<reconcilers::ports::Backend> backend_;
    std::unique_ptr<LeaseTap> lease_tap_;
    std::unique_ptr<reconcilers::ports::LogStore> mutated_log_;
    std::unique_ptr<reconcilers::ports::Database> mutated_database_;
    std::unique_ptr<reconcilers::ports::Backend> mutated_backend_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

    reconcilers::Board board_;
    reconcilers::role::RoleReconciler role_;
    reconcilers::replica::ReplicaReconciler replica_;
    reconcilers::backend::BackendReconciler backend_reconciler_;
    reconcilers::membership::MembershipReconciler membership_;
};

}  // namespace sim
