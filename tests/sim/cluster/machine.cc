#include "tests/sim/cluster/machine.h"

#include <algorithm>
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

std::string line_of(std::string_view name,
                    const std::vector<std::pair<std::string_view, std::string>>& fields) {
    std::string line{name};
    for (const auto& [key, value] : fields)
        line += " " + std::string{key} + "=" + value;
    return line;
}

}  // namespace

class Machine::Events final : public ports::Events {
public:
    explicit Events(Machine& machine) : machine_{machine} {}
    void emit(ports::Level level, std::string_view name, const ports::Fields& fields) override {
        machine_.world_.event(level, name, machine_.id() + " " + line_of(name, fields));
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
      events_{std::make_unique<Events>(*this)},
      probe_{std::make_unique<Probe>(*this)} {
    (void)files_.make_folder("/data");
    // It takes its time to stop: its last commits come after it was asked.
    backend_.ignores_stop = true;
    backend_.started = [this] {
        ++backend_starts_;
        say("backend process started");
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
        say("backend process ended");
    };
}

Machine::~Machine() { drop_process(); }

void Machine::boot() {
    if (powered_) return;
    powered_ = true;
    ++boots_;
    clock_.boot(world_.random.between(seconds{5}, seconds{3000}));
    warden_file_.reset();  // tmpfs
    say("booted");
    daemon_wanted_ = true;
    start_daemon();
}

void Machine::start_daemon() {
    daemon_wanted_ = true;
    if (!powered_ || warden_) return;
    ++life_;
    warden_ = std::make_unique<SimWarden>(
        warden::Settings{.ttl = settings_.timing.ttl,
                         .margin = settings_.timing.margin,
                         .stop_timeout = seconds{90},
                         .boot_id = settings_.id + "-boot-" + std::to_string(boots_),
                         .run = std::to_string(life_),
                         .cgroup = {}},
        warden_file_,
        clock_,
        backend_,
        SimWarden::Machine{
            .spawn_node =
                [this] {
                    node_killed_ = false;
                    world_.schedule.after(world_.random.between(milliseconds{2}, milliseconds{60}),
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
            .say =
                [this](const warden::Say& what) {
                    std::string line{what.name};
                    for (const auto& [key, value] : what.fields)
                        line += " " + std::string{key} + "=" + value;
                    world_.event(ports::Level::info, what.name, settings_.id + " " + line);
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
        NodeProcess::Surroundings{
            .clock = clock_,
            .random = world_.random,
            .server = world_.server,
            .files = files_,
            .sqlite = sqlite_,
            .probe = *probe_,
            .events = *events_,
            .warden = warden_->connect(),
            .wake =
                [this](Part part, bool hinted) {
                    wake(part, hinted, world_.random.between(microseconds{20}, milliseconds{2}));
                },
            .lease_sent = world_.lease_sent});
    for (auto* client : process_->clients()) {
        client->set_partitioned(cut_);
        all_clients_.push_back(client);
    }
    say("node process " + number + " started");
    for (const auto part : all_parts)
        wake(part, true, world_.random.between(microseconds{100}, milliseconds{10}));
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
    if (part == Part::replica && crash_after_) files_.crash_after(std::exchange(crash_after_, {}));
    model::Instant next{};
    try {
        next = process_->step(part, hinted);
    } catch (const SimCrash&) {
        files_.crash_after({});
        say("node process killed within a step");
        if (!node_killed_) node_gone(killed);
        return;
    }
    files_.crash_after({});
    if (node_killed_) return;
    const auto& board = process_->board();
    if (board.role.finished) {
        say("node process ends");
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

/// The warden is gone; systemd starts the daemon anew where it is wanted.
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
    say(torn ? "power cut, torn" : "power cut");
    powered_ = false;
    ++life_;
    drop_process();
    if (warden_) warden_->crash();
    warden_.reset();
    warden_due_ = Duration::max();
    node_killed_ = false;
    backend_.unkillable = false;
    close_database();
    sqlite_.forget();
    files_.power_cut(torn ? &world_.random : nullptr);
}

void Machine::kill_node() {
    if (!process_ || node_killed_) return;
    say("node process killed");
    node_gone(killed);
}

void Machine::kill_warden() {
    if (!warden_) return;
    say("warden killed");
    drop_process();
    warden_->crash();
    daemon_gone();
}

void Machine::restart_daemon() {
    if (!warden_) return;
    say("daemon restarted");
    daemon_wanted_ = true;
    warden_->terminate();
}

void Machine::stop_daemon() {
    if (!warden_) return;
    say("daemon stopped");
    daemon_wanted_ = false;
    warden_->terminate();
}

void Machine::stop_node() {
    if (!process_ || stopped_) return;
    say("node process stopped (SIGSTOP)");
    stopped_ = true;
}

void Machine::continue_node() {
    if (!stopped_) return;
    say("node process goes on (SIGCONT)");
    stopped_ = false;
    for (const auto part : all_parts) {
        timers_[static_cast<std::size_t>(part)].due = Duration::max();
        wake(part, false, world_.random.between(microseconds{20}, milliseconds{2}));
    }
}

void Machine::partition(bool cut) {
    if (cut_ == cut) return;
    say(cut ? "cut off from the store" : "connected to the store again");
    cut_ = cut;
    for (auto* client : all_clients_)
        client->set_partitioned(cut);
}

std::vector<SimClient*> Machine::clients() { return all_clients_; }

void Machine::kill_backend() {
    if (!backend_.alive || !warden_) return;
    say("backend killed");
    warden_->backend_died(killed);
}

void Machine::open_database() {
    if (const auto intent = files_.exists(paths_.state + "/intent"); intent && *intent) {
        world_.violation("D6: a backend starts while a rename is unfinished");
    }
    const auto exists = files_.exists(paths_.data);
    if (!exists || !*exists) {
        world_.database_made();
        say("backend makes its database");
        (void)files_.write_at(paths_.data, 0, sim_first_page());
        (void)files_.sync(paths_.data);
        (void)files_.sync_folder("/data");
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
        world_.violation("the backend of " + id() + " can not read: " + pages.error().message);
        return false;
    }
    const auto frames = sqlite_.frames().size();
    if (!sqlite_.commit(app_->opener, *pages)) return false;
    // The application's own checkpoints.
    if (frames >= 1000 && world_.random.percent(20)) (void)sqlite_.checkpoint();
    if (process_) process_->database_changed();
    return true;
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
