// One simulated machine: clock, disk, SQLite, the warden (its real core), the node process and the
// backend. Each of them may be killed, stopped or cut off at any time.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/cluster/addresses.h"
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
    bool vip = false;  // it has the virtual address in its configuration
    Mutation mutation = Mutation::none;
};

/// What a machine uses of the world, and reports to it.
struct MachineWorld {
    Schedule& schedule;
    SimRandom& random;
    std::vector<SimServer*> servers;  // nats.servers
    /// Reports what happens here, for people.
    std::function<void(const std::string& line)> note;
    /// Reports an event of a reconciler or the warden.
    std::function<void(
        reconcilers::ports::Level, std::string_view name, const reconcilers::ports::Fields&)>
        event;
    std::function<void(const model::LeaseRecord&)> lease_sent;
    /// The backend is about to create a database.
    std::function<void()> database_created;
    std::function<void(const std::string& why)> violation;
    /// Another machine than this one has the virtual address.
    std::function<bool(const std::string& id)> address_elsewhere;
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
    /// `torn`: each unsynced page and name is kept or lost at random; otherwise all are lost.
    void cut_power(bool torn);
    [[nodiscard]] bool powered() const { return powered_; }
    void kill_node();
    /// Kills the node process inside the replica's next pass, after so many steps on the disk.
    void kill_node_in_step(std::uint64_t steps) { crash_after_ = steps; }
    /// Kills it inside a pass of the replica, before the first disk change after so many of them
    /// from now on.
    void kill_node_after_steps(std::uint64_t steps) { crash_at_ = steps; }
    void spare_node() {
        crash_after_.reset();
        crash_at_.reset();
    }
    void kill_warden();
    /// SIGTERM, then a start, as `systemctl restart` does.
    void restart_daemon();
    void stop_daemon();
    void start_daemon();
    void stop_node();  // SIGSTOP
    void continue_node();
    [[nodiscard]] bool stopped() const { return stopped_; }
    void partition(bool cut);
    [[nodiscard]] bool partitioned() const { return cut_; }
    /// Sets nats.servers for the next node process; its connections begin with the first.
    void name_servers(std::vector<SimServer*> servers) { world_.servers = std::move(servers); }
    void kill_backend();
    void set_unhealthy(bool unhealthy) { unhealthy_ = unhealthy; }
    /// While true, the warden is not scheduled.
    void starve_warden(bool starved) { starved_ = starved; }
    /// Somebody deletes the virtual address.
    void delete_address();
    void set_carrier(bool carrier);

    // --- the application
    [[nodiscard]] bool backend_alive() const { return backend_.alive; }
    [[nodiscard]] bool serving() const { return app_.has_value(); }
    [[nodiscard]] bool has_address() const { return addresses_.bound(); }
    /// I6: it has the address although the last lease that its node process knew has ended.
    [[nodiscard]] bool address_outlives_lease();
    /// Commits a row. False: the commit failed.
    bool commit(std::uint64_t row);
    /// A checkpoint by the application.
    void checkpoint() { (void)sqlite_.checkpoint(); }

    // --- what the kernel has written back before a power cut
    /// The staged files and their directory.
    void sync_staged();
    /// The directory of the staged files: new and removed names.
    void sync_staged_names();
    /// The `-wal`, as after a checkpoint of the application.
    void sync_wal();
    /// Deletes the staged files, durably.
    void forget_staged();
    /// The rows of the database at dataPath; empty: there is none.
    [[nodiscard]] std::optional<Rows> rows();
    [[nodiscard]] model::Result<model::Bytes> data_page(std::uint32_t page);
    [[nodiscard]] std::uint32_t data_pages();
    [[nodiscard]] std::uint64_t backend_starts() const { return backend_starts_; }

    // --- its state
    [[nodiscard]] const NodeProcess* process() const { return process_.get(); }
    [[nodiscard]] const reconcilers::Board* board() const {
        return process_ ? &process_->board() : nullptr;
    }
    [[nodiscard]] SimFiles& files() { return files_; }
    [[nodiscard]] const reconcilers::replica::Paths& paths() const { return paths_; }
    [[nodiscard]] std::vector<SimClient*> clients();
    /// Schedules the warden's next wake-up where it is not scheduled yet. Call after every event.
    void arm();
    /// This node holds a valid lease, its data is promoted, its backend is healthy.
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
    void note(const std::string& line) const { world_.note(settings_.id + " " + line); }
    void drop_process();
    void for_each_staged(const std::function<void(const std::string& path)>& what);

    MachineSettings settings_;
    MachineWorld world_;
    reconcilers::replica::Paths paths_;
    MachineClock clock_;
    SimFiles files_;
    SimSqlite sqlite_;
    SimAddresses addresses_;
    model::Instant lease_end_{};  // the latest that the node processes of this boot knew
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
    // counts daemons and boots: events scheduled for an earlier one are void
    std::uint64_t life_ = 0;
    std::uint64_t node_life_ = 0;
    std::uint64_t app_life_ = 0;
    std::uint64_t backend_starts_ = 0;
    std::optional<std::uint64_t> crash_after_;
    std::optional<std::uint64_t> crash_at_;
    std::optional<App> app_;
    model::Duration warden_due_ = model::Duration::max();
};

}  // namespace sim
