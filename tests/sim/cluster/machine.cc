#include "tests/sim/cluster/machine.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sim {
namespace {

using model::Bytes;
using model::Duration;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
namespace ports = reconcilers::ports;

constexpr std::int32_t killed = 9;  // wait status of a SIGKILL
constexpr std::int32_t terminated = 15;

/// The registry has a simulation of its own, with many more nodes.
constexpr std::array simulated_parts{
    Part::role, Part::replica, Part::backend, Part::membership, Part::vip};

}  // namespace

class Machine::Events final : public ports::Events {
public:
    explicit Events(Machine& machine) : machine_{machine} {}
    void emit(ports::Level level, std::string_view name, const ports::Fields& fields) override {
        machine_.world_.event(level, name, fields);
    }

private:
    Machine& machine_;
};

class Machine::Probe final : public ports::HealthProbe {
public:
    explicit Probe(Machine& machine) : machine_{machine} {}
    model::Result<void> start(std::string_view, Duration) override {
        started_ = true;
        return {};
    }
    ports::Health poll() override {
        if (!started_) return {};
        if (machine_.app_ && !machine_.unhealthy_) {
            return {.state = ports::Health::State::healthy, .reason = {}, .took = milliseconds{1}};
        }
        return {.state = ports::Health::State::failed, .reason = "Connection refused"};
    }

private:
    Machine& machine_;
    bool started_ = false;
};

Machine::Machine(MachineSettings settings, MachineWorld world)
    : settings_{std::move(settings)},
      world_{std::move(world)},
      paths_{.data = "/data/db.sqlite", .replica = "/replica/db.sqlite", .state = "/state"},
      clock_{world_.schedule, settings_.drift_ppm},
      sqlite_{files_, paths_.data, world_.random},
      addresses_{world_.schedule,
                 clock_,
                 world_.random,
                 {.appeared =
                      [this] {
                          note("has the address");
                          world_.schedule.after(microseconds{50}, [this, life = life_] {
                              if (life == life_ && warden_ && !starved_) warden_->target_appeared();
                          });
                      },
                  .changed =
                      [this] {
                          if (process_) wake(Part::vip, true, microseconds{50});
                      },
                  .elsewhere = [this] { return world_.address_elsewhere(settings_.id); }}},
      events_{std::make_unique<Events>(*this)},
      probe_{std::make_unique<Probe>(*this)} {
    (void)files_.create_directory("/data");
    // It stops slowly: its last commits come after it was asked to stop.
    backend_.ignores_stop = true;
    backend_.started = [this] {
        ++backend_starts_;
        note("backend process started");
        const auto delay = world_.random.between(milliseconds{20}, milliseconds{400});
        world_.schedule.after(delay, [this, life = ++app_life_] {
            if (life == app_life_ && backend_.alive) open_database();
        });
    };
    backend_.stop_asked = [this] {
        const auto delay = world_.random.between(milliseconds{1}, milliseconds{200});
        world_.schedule.after(delay, [this, life = app_life_] {
            if (life == app_life_ && warden_) warden_->backend_died(terminated);
        });
    };
    backend_.died = [this] {
        ++app_life_;
        close_database();
        note("backend process ended");
    };
}

Machine::~Machine() { drop_process(); }

void Machine::boot() {
    if (powered_) return;
    powered_ = true;
    ++boots_;
    clock_.boot(world_.random.between(seconds{5}, seconds{3000}));
    warden_file_.reset();  // tmpfs
    note("booted");
    daemon_wanted_ = true;
    start_daemon();
}

void Machine::start_daemon() {
    daemon_wanted_ = true;
    if (!powered_ || warden_) return;
    ++life_;
    warden_ = std::make_unique<SimWarden>(
        warden::Settings{
            .ttl = settings_.timing.ttl,
            .margin = settings_.timing.margin,
            .stop_timeout = seconds{90},
            .boot_id = settings_.id + "-boot-" + std::to_string(boots_),
            .run = std::to_string(life_),
            .cgroup = {},
            .list = {.items = {model::Spawn{.command = {"/backend"}, .dir = "/"},
                               model::WardenTarget{.kind = model::WardenTarget::Kind::address,
                                                   .name = to_text(sim_address().at),
                                                   .interface = sim_address().interface}}}},
        warden_file_,
        clock_,
        backend_,
        SimWarden::Machine{.spawn_node =
                               [this] {
                                   node_killed_ = false;
                                   world_.schedule.after(
                                       world_.random.between(milliseconds{2}, milliseconds{60}),
                                       [this, life = life_, node = ++node_life_] {
                                           if (life == life_ && node == node_life_ && warden_)
                                               spawn_node();
                                       });
                               },
                           .kill_node =
                               [this] {
                                   if (std::exchange(node_killed_, true)) return;
                                   world_.schedule.after(microseconds{300}, [this, life = life_] {
                                       if (life == life_ && node_killed_) node_gone(killed);
                                   });
                               },
                           .term_node =
                               [this] {
                                   if (process_ && !node_killed_) process_->shut_down();
                               },
                           .end_target =
                               [this](const model::WardenTarget&) {
                                   if (settings_.mutation != Mutation::no_unbind)
                                       addresses_.remove();
                                   return true;
                               },
                           .log_event =
                               [this](const warden::LogEvent& what) {
                                   world_.event(what.level, what.name, what.fields);
                               }});
    warden_->begin();
}

void Machine::spawn_node() {
    if (node_killed_) return;
    stopped_ = false;
    const auto number = std::to_string(++processes_);
    process_ = std::make_unique<NodeProcess>(
        ProcessSettings{.node_id = settings_.id,
                        .host = {.machine_id = "machine-" + settings_.id,
                                 .boot_id = settings_.id + "-boot-" + std::to_string(boots_)},
                        .incarnation = settings_.id + "." + number,
                        .timing = settings_.timing,
                        .snapshot_interval = settings_.snapshot_interval,
                        .nofailover = settings_.nofailover,
                        .priority = settings_.priority,
                        .paths = paths_,
                        .backend = {.health_url = "http://127.0.0.1/health",
                                    .health_interval = seconds{1},
                                    .health_timeout = seconds{1},
                                    .start_timeout = seconds{10},
                                    .stop_timeout = seconds{5}},
                        .mutation = settings_.mutation},
        NodeProcess::Environment{
            .clock = clock_,
            .random = world_.random,
            .servers = world_.servers,
            .files = files_,
            .sqlite = sqlite_,
            .probe = *probe_,
            .events = *events_,
            .warden = warden_->connect(),
            .addresses = settings_.vip ? addresses_.connect(settings_.mutation) : nullptr,
            .wake =
                [this](Part part, bool hinted) {
                    wake(part, hinted, world_.random.between(microseconds{20}, milliseconds{2}));
                },
            .lease_sent = world_.lease_sent});
    for (auto* client : process_->clients()) {
        client->set_partitioned(cut_);
        all_clients_.push_back(client);
    }
    note("node process " + number + " started");
    for (const auto part : simulated_parts) {
        if (part == Part::vip && !settings_.vip) continue;
        wake(part, true, world_.random.between(microseconds{100}, milliseconds{10}));
    }
}

void Machine::wake(Part part, bool hinted, Duration delay) {
    auto& timer = timers_[static_cast<std::size_t>(part)];
    timer.hinted |= hinted;
    const auto when = world_.schedule.now() + delay;
    if (when < timer.due) set_timer(part, when);
}

void Machine::set_timer(Part part, Duration when) {
    auto& timer = timers_[static_cast<std::size_t>(part)];
    timer.due = when;
    world_.schedule.at(when, [this, part, when, node = node_life_] {
        const auto& due = timers_[static_cast<std::size_t>(part)].due;
        if (node == node_life_ && due == when && process_ && !stopped_) run(part);
    });
}

void Machine::run(Part part) {
    if (node_killed_) return;
    auto& timer = timers_[static_cast<std::size_t>(part)];
    const bool hinted = std::exchange(timer.hinted, false);
    timer.due = Duration::max();
    if (part == Part::replica && crash_at_) files_.crash_after(crash_at_);
    if (part == Part::replica && crash_after_) files_.crash_after(std::exchange(crash_after_, {}));
    const auto steps = files_.steps();
    model::Instant next{};
    try {
        next = process_->step(part, hinted);
    } catch (const SimCrash&) {
        files_.crash_after({});
        crash_at_.reset();
        note("node process killed within a step");
        if (!node_killed_) node_gone(killed);
        return;
    }
    files_.crash_after({});
    if (part == Part::replica && crash_at_) *crash_at_ -= files_.steps() - steps;
    if (node_killed_) return;
    const auto& board = process_->board();
    if (board.role.finished) {
        note("node process ends");
        node_gone(0);
        return;
    }
    if (!board.membership.refused.empty() && !board.role.holds()) {
        world_.violation("a node id was refused that nobody else has: " + board.membership.refused);
    }
    const auto when = std::max(clock_.world(next), world_.schedule.now() + microseconds{50});
    if (when < timer.due) set_timer(part, when);
}

void Machine::drop_process() {
    ++node_life_;
    timers_ = {};
    stopped_ = false;
    process_.reset();
}

void Machine::node_gone(std::int32_t wait_status) {
    if (!warden_) return;
    node_killed_ = false;
    drop_process();
    warden_->node_died(wait_status);
    arm();
}

void Machine::arm() {
    if (!warden_) return;
    if (warden_->exited()) {
        daemon_gone();
        return;
    }
    const auto at = warden_->wakeup();
    if (!at || starved_) return;
    const auto when = std::max(clock_.world(*at), world_.schedule.now()) +
                      world_.random.between(microseconds{50}, milliseconds{4});
    if (warden_due_ <= when) return;
    warden_due_ = when;
    world_.schedule.at(when, [this, when, life = life_] {
        if (warden_due_ == when) warden_due_ = Duration::max();
        if (life != life_ || !warden_ || starved_) return;
        warden_->step();
    });
}

/// The warden has ended; systemd restarts the daemon where it is enabled.
void Machine::daemon_gone() {
    ++life_;
    drop_process();
    warden_.reset();
    warden_due_ = Duration::max();
    node_killed_ = false;
    if (!daemon_wanted_) return;
    world_.schedule.after(world_.random.between(milliseconds{100}, milliseconds{800}),
                          [this, life = life_] {
                              if (life == life_ && daemon_wanted_) start_daemon();
                          });
}

void Machine::cut_power(bool torn) {
    if (!powered_) return;
    note(torn ? "power cut, torn" : "power cut");
    powered_ = false;
    ++life_;
    drop_process();
    if (warden_) warden_->crash();
    warden_.reset();
    warden_due_ = Duration::max();
    node_killed_ = false;
    backend_.unkillable = false;
    addresses_.power_off();
    lease_end_ = {};
    close_database();
    sqlite_.forget();
    files_.power_cut(torn ? &world_.random : nullptr);
}

void Machine::kill_node() {
    if (!process_ || node_killed_) return;
    note("node process killed");
    node_gone(killed);
}

void Machine::kill_warden() {
    if (!warden_) return;
    note("warden killed");
    drop_process();
    warden_->crash();
    daemon_gone();
}

void Machine::restart_daemon() {
    if (!warden_) return;
    note("daemon restarted");
    daemon_wanted_ = true;
    warden_->terminate();
}

void Machine::stop_daemon() {
    if (!warden_) return;
    note("daemon stopped");
    daemon_wanted_ = false;
    warden_->terminate();
}

void Machine::stop_node() {
    if (!process_ || stopped_) return;
    note("node process stopped (SIGSTOP)");
    stopped_ = true;
}

void Machine::continue_node() {
    if (!stopped_) return;
    note("node process goes on (SIGCONT)");
    stopped_ = false;
    for (const auto part : simulated_parts) {
        if (part == Part::vip && !settings_.vip) continue;
        timers_[static_cast<std::size_t>(part)].due = Duration::max();
        wake(part, false, world_.random.between(microseconds{20}, milliseconds{2}));
    }
}

void Machine::partition(bool cut) {
    if (cut_ == cut) return;
    note(cut ? "cut off from the store" : "connected to the store again");
    cut_ = cut;
    for (auto* client : all_clients_)
        client->set_partitioned(cut);
}

std::vector<SimClient*> Machine::clients() { return all_clients_; }

void Machine::kill_backend() {
    if (!backend_.alive || !warden_) return;
    note("backend killed");
    warden_->backend_died(killed);
}

void Machine::delete_address() {
    if (!addresses_.bound()) return;
    note("somebody deletes the address");
    addresses_.remove();
}

void Machine::set_carrier(bool carrier) {
    note(carrier ? "the carrier is back" : "the carrier is lost");
    addresses_.set_carrier(carrier);
}

bool Machine::address_outlives_lease() {
    const auto* known = board();
    if (known != nullptr && known->role.lease)
        lease_end_ = std::max(lease_end_, known->role.lease->valid_until);
    return addresses_.bound() && clock_.now() > lease_end_;
}

void Machine::open_database() {
    if (const auto intent = files_.exists(paths_.state + "/intent"); intent && *intent) {
        world_.violation("D6: a backend starts while a rename is unfinished");
    }
    const auto exists = files_.exists(paths_.data);
    if (!exists || !*exists) {
        world_.database_created();
        note("backend makes its database");
        (void)files_.write_at(paths_.data, 0, sim_first_page());
        (void)files_.sync(paths_.data);
        (void)files_.sync_directory("/data");
    }
    auto opened = sqlite_.open();
    if (!opened) return;
    app_ = App{.opener = *opened};
}

void Machine::close_database() {
    if (!app_) return;
    sqlite_.close(app_->opener);
    app_.reset();
}

bool Machine::commit(std::uint64_t row) {
    if (!app_) return false;
    const auto read = [this](std::uint32_t page) { return sqlite_.read(page); };
    auto pages = add_row(row, read, world_.random);
    if (!pages) {
        world_.violation("the backend of " + id() + " cannot read: " + pages.error().message);
        return false;
    }
    const auto frames = sqlite_.frames().size();
    if (!sqlite_.commit(app_->opener, *pages)) return false;
    // Checkpoints of the application.
    if (frames >= 1000 && world_.random.percent(20)) (void)sqlite_.checkpoint();
    if (process_) process_->database_changed();
    return true;
}

void Machine::for_each_staged(const std::function<void(const std::string& path)>& what) {
    const auto directory = paths_.state + "/staged/";
    const auto names = files_.list(paths_.state + "/staged");
    if (!names) return;
    for (const auto& name : *names) {
        auto path = directory;
        path += name;
        what(path);
    }
}

void Machine::sync_staged() {
    for_each_staged([this](const std::string& path) { (void)files_.sync(path); });
    sync_staged_names();
}

void Machine::sync_staged_names() { (void)files_.sync_directory(paths_.state + "/staged"); }

void Machine::sync_wal() {
    (void)files_.sync(paths_.data + "-wal");
    (void)files_.sync_directory("/data");
}

void Machine::forget_staged() {
    for_each_staged([this](const std::string& path) { (void)files_.remove(path); });
    sync_staged_names();
}

std::optional<Rows> Machine::rows() {
    const auto exists = files_.exists(paths_.data);
    if (!exists || !*exists) return {};
    auto opened = sqlite_.open();
    if (!opened) return {};
    auto rows = read_rows([this](std::uint32_t page) { return sqlite_.read(page); });
    sqlite_.close(*opened);
    if (!rows) {
        world_.violation("the database of " + id() + " is broken: " + rows.error().message);
        return {};
    }
    return *rows;
}

model::Result<Bytes> Machine::data_page(std::uint32_t page) {
    auto opened = sqlite_.open();
    if (!opened) return std::move(opened).error();
    auto bytes = sqlite_.read(page);
    sqlite_.close(*opened);
    return bytes;
}

std::uint32_t Machine::data_pages() {
    auto opened = sqlite_.open();
    if (!opened) return 0;
    const auto pages = sqlite_.pages();
    sqlite_.close(*opened);
    return pages;
}

bool Machine::primary() const {
    if (!process_ || !app_) return false;
    const auto& board = process_->board();
    return board.role.phase == reconcilers::RoleView::Phase::holder && board.role.lease &&
           clock_.now() < board.role.lease->fence_at() &&
           board.replica.promoted == board.role.lease->epoch && board.backend.ready;
}

}  // namespace sim
