// One simulated machine: clock, disk, SQLite, the warden (the real core), the node process and the
// backend. Everything here may be killed, stopped or cut off at any time.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tests/sim/cluster/ledger.h"
#include "tests/sim/cluster/process.h"
#include "tests/sim/warden/sim_warden.h"

namespace sim {

struct MachineSettings {
    std::string id;
    model::LeaseTiming timing;
    model::Duration snapshot_interval{};
    std::int64_t drift_ppm = 0;
    int priority = 100;
    bool nofailover = false;
    Mutation mutation = Mutation::none;
};

/// What a machine needs of the world, and tells it.
struct MachineWorld {
    Schedule& schedule;
    SimRandom& random;
    SimServer& server;
    /// Something happened here, for people.
    std::function<void(const std::string& line)> say;
    /// A reconciler's or a warden's event.
    std::function<void(reconcilers::ports::Level, std::string_view name, const std::string& line)>
        event;
    std::function<void(const model::LeaseRecord&)> lease_sent;
    /// The backend is about to make a database.
    std::function<void()> database_made;
    std::function<void(const std::string& why)> violation;
};

class Machine {
public:
    Machine(MachineSettings settings, MachineWorld world);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    [[nodiscard]] const std::string& id() const { return settings_.id; }

    // --- faults
    void boot();
    /// `torn`: what was not synced is kept by chance, page by page; else it is all lost.
    void cut_power(bool torn);
    [[nodiscard]] bool powered() const { return powered_; }
    void kill_node();
    /// The node process dies inside its next pass of the replica, after so many steps on the disk.
    void kill_node_in_step(std::uint64_t steps) { crash_after_ = steps; }
    void spare_node() { crash_after_.reset(); }
    void kill_warden();
    /// SIGTERM, then a new start, as systemctl restart does.
    void restart_daemon();
    void stop_daemon();
    void start_daemon();
    void stop_node();  // SIGSTOP
    void continue_node();
    [[nodiscard]] bool stopped() const { return stopped_; }
    void partition(bool cut);
    [[nodiscard]] bool partitioned() const { return cut_; }
    void kill_backend();
    void make_unhealthy(bool unhealthy) { unhealthy_ = unhealthy; }
    /// The warden is not scheduled.
    void starve_warden(bool starved) { starved_ = starved; }

    // --- the application
    [[nodiscard]] bool backend_alive() const { return backend_.alive; }
    [[nodiscard]] bool serving() const { return app_.has_value(); }
    /// Commits a row. False: it was refused.
    bool commit(std::uint64_t row);
    /// The application's own checkpoint.
    void checkpoint() { (void)sqlite_.checkpoint(); }
    /// What the database at dataPath holds; empty: there is none.
    [[nodiscard]] std::optional<Rows> rows();
    [[nodiscard]] model::Result<model::Bytes> data_page(std::uint32_t page);
    [[nodiscard]] std::uint32_t data_pages();
    [[nodiscard]] std::uint64_t backend_starts() const { return backend_starts_; }

    // --- what it looks like
    [[nodiscard]] const NodeProcess* process() const { return process_.get(); }
    [[nodiscard]] const reconcilers::Board* board() const {
        return process_ ? &process_->board() : nullptr;
    }
    [[nodiscard]] SimFiles& files() { return files_; }
    [[nodiscard]] const reconcilers::replica::Paths& paths() const { return paths_; }
    [[nodiscard]] std::vector<SimClient*> clients();
    /// The warden's wake-up is put on the schedule where it is not yet. After every event.
    void arm();
    /// The lease that this node holds is valid, its data promoted, its backend healthy.
    [[nodiscard]] bool primary() const;

private:
    class Events;
    class Probe;
    struct App {
        int opener = 0;
    };
    struct Timer {
        model::Duration due = model::Duration::max();
        bool hinted = false;
    };

    void spawn_node();
    void node_gone(std::int32_t wait_status);
    void daemon_gone();
    void wake(Part part, bool hinted, model::Duration delay);
    void run(Part part);
    void set_timer(Part part, model::Duration when);
    void open_database();
    void close_database();
    void say(const std::string& line) const { world_.say(settings_.id + " " + line); }
    void drop_process();

    MachineSettings settings_;
    MachineWorld world_;
    reconcilers::replica::Paths paths_;
    MachineClock clock_;
    SimFiles files_;
    SimSqlite sqlite_;
    std::unique_ptr<Events> events_;
    std::unique_ptr<Probe> probe_;
    SimBackend backend_;
    std::optional<warden::Saved> warden_file_;
    std::unique_ptr<SimWarden> warden_;
    std::unique_ptr<NodeProcess> process_;
    std::vector<SimClient*> all_clients_;
    std::array<Timer, all_parts.size()> timers_;

    bool powered_ = false;
    bool cut_ = false;
    bool stopped_ = false;
    bool node_killed_ = false;
    bool unhealthy_ = false;
    bool starved_ = false;
    bool daemon_wanted_ = true;
    int boots_ = 0;
    int processes_ = 0;
    std::uint64_t life_ = 0;  // counts daemons and boots: what was planned for an old one is void
    std::uint64_t node_life_ = 0;
    std::uint64_t app_life_ = 0;
    std::uint64_t backend_starts_ = 0;
    std::optional<std::uint64_t> crash_after_;
    std::optional<App> app_;
    model::Duration warden_due_ = model::Duration::max();
};

}  // namespace sim
