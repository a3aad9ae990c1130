#include "tests/sim/cluster/chaos.h"

#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

namespace sim {
namespace {

using model::Duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// I7: the sum of a candidate's wait, the back-off of crashed daemons and backends, seal and start.
constexpr seconds convergence_bound{150};

}  // namespace

Faults process_faults() {
    return {.kill_node = 4,
            .kill_in_step = 4,
            .kill_warden = 2,
            .restart_daemon = 2,
            .stop_node = 4,
            .switchover = 2,
            .kill_backend = 2,
            .unhealthy = 1};
}

Faults power_faults() {
    return {.kill_node = 1, .kill_in_step = 2, .power_cut = 6, .partition = 1, .switchover = 1};
}

Faults network_faults() {
    return {.kill_node = 1,
            .partition = 4,
            .bad_requests = 6,
            .store_restart = 2,
            .outage = 1,
            .lose_lease = 2,
            .switchover = 2};
}

Faults all_faults() {
    return {.kill_node = 3,
            .kill_in_step = 3,
            .kill_warden = 1,
            .restart_daemon = 2,
            .power_cut = 3,
            .stop_node = 3,
            .partition = 3,
            .bad_requests = 5,
            .store_restart = 2,
            .outage = 1,
            .lose_lease = 1,
            .switchover = 3,
            .kill_backend = 2,
            .unhealthy = 1};
}

void Chaos::begin() {
    on_ = true;
    next();
}

void Chaos::later(Duration from, Duration to, std::function<void()> what) {
    world_.after(world_.random().between(from, to), [alive = alive_, what = std::move(what), this] {
        if (*alive && on_) what();
    });
}

void Chaos::next() {
    // Long pauses let a new primary come up; short ones hit it while it does.
    const bool burst = world_.random().percent(40);
    later(milliseconds{20}, burst ? milliseconds{500} : milliseconds{9000}, [this] {
        strike();
        next();
    });
}

void Chaos::bad_requests(Machine& machine) {
    const auto clients = machine.clients();
    if (clients.empty()) return;
    // The last three clients, which belong to the running process.
    const auto living = std::min<std::size_t>(3, clients.size());
    auto* client = clients[clients.size() - 1 - world_.random().below(living)];
    const auto count = 1 + world_.random().below(3);
    for (std::uint64_t i = 0; i < count; ++i) {
        constexpr SimFault kinds[] = {
            SimFault::request_lost, SimFault::answer_lost, SimFault::late};
        client->fail_next(kinds[world_.random().below(3)]);
    }
    later(milliseconds{1},
          world_.random().percent(50) ? milliseconds{300} : milliseconds{15'000},
          [client] { client->deliver_late(); });
}

void Chaos::strike() {
    auto& random = world_.random();
    auto& machine = world_.machine(random.below(world_.size()));
    const std::vector<std::pair<unsigned, std::function<void()>>> kinds{
        {faults_.kill_node, [&] { machine.kill_node(); }},
        {faults_.kill_in_step, [&] { machine.kill_node_in_step(random.below(14)); }},
        {faults_.kill_warden, [&] { machine.kill_warden(); }},
        {faults_.restart_daemon, [&] { machine.restart_daemon(); }},
        {faults_.power_cut,
         [&] {
             machine.cut_power(random.percent(60));
             later(milliseconds{500}, seconds{20}, [&machine] { machine.boot(); });
         }},
        {faults_.stop_node,
         [&] {
             machine.stop_node();
             later(milliseconds{50}, seconds{20}, [&machine] { machine.continue_node(); });
         }},
        {faults_.partition,
         [&] {
             machine.partition(true);
             later(milliseconds{50}, seconds{20}, [&machine] { machine.partition(false); });
         }},
        {faults_.bad_requests, [&] { bad_requests(machine); }},
        {faults_.store_restart, [&] { world_.server().restart(); }},
        {faults_.outage,
         [&] {
             for (std::size_t i = 0; i < world_.size(); ++i)
                 world_.machine(i).partition(true);
             later(milliseconds{200}, seconds{25}, [this] {
                 for (std::size_t i = 0; i < world_.size(); ++i)
                     world_.machine(i).partition(false);
             });
         }},
        {faults_.lose_log, [&] { world_.lose_last("OBJ_wal"); }},
        {faults_.lose_lease, [&] { world_.lose_last("KV_election"); }},
        {faults_.switchover,
         [&] { world_.request_switchover(random.percent(50) ? machine.id() : std::string{}); }},
        {faults_.kill_backend, [&] { machine.kill_backend(); }},
        {faults_.unhealthy,
         [&] {
             machine.set_unhealthy(true);
             later(seconds{1}, seconds{15}, [&machine] { machine.set_unhealthy(false); });
         }},
        {faults_.delete_address, [&] { machine.delete_address(); }},
        {faults_.lose_carrier,
         [&] {
             machine.set_carrier(false);
             later(seconds{1}, seconds{12}, [&machine] { machine.set_carrier(true); });
         }},
    };
    unsigned total = 0;
    for (const auto& [share, what] : kinds)
        total += share;
    auto drawn = random.below(total);
    for (const auto& [share, what] : kinds) {
        if (drawn < share) {
            what();
            return;
        }
        drawn -= share;
    }
}

void Chaos::heal() {
    on_ = false;
    for (std::size_t i = 0; i < world_.size(); ++i) {
        auto& machine = world_.machine(i);
        machine.boot();
        machine.start_daemon();
        machine.partition(false);
        machine.continue_node();
        machine.set_unhealthy(false);
        machine.set_carrier(true);
        machine.spare_node();
        for (auto* client : machine.clients()) {
            client->deliver_late();
            client->forget_faults();
        }
    }
}

namespace {

/// SIM_EVENTS=FILE: appends the events of each run to FILE at its end, so that the event streams of
/// two versions can be compared.
class EventRecord {
public:
    EventRecord(const World& world, std::uint64_t seed) : world_{world}, seed_{seed} {}
    ~EventRecord() {
        const char* const path = std::getenv("SIM_EVENTS");
        if (path == nullptr) return;
        std::ofstream file{path, std::ios::app};
        file << "== seed " << seed_ << '\n';
        for (const auto& event : world_.events())
            file << event.line << '\n';
    }
    EventRecord(const EventRecord&) = delete;
    EventRecord& operator=(const EventRecord&) = delete;

private:
    const World& world_;
    std::uint64_t seed_;
};

}  // namespace

std::string run_chaos(const WorldSettings& settings, const Faults& faults, Duration length) {
    World world{settings};
    const EventRecord record{world, settings.seed};
    Chaos chaos{world, faults};
    world.boot_all();
    // In some runs faults begin before the first database exists.
    if (world.random().percent(70)) {
        (void)world.run_until([&] { return world.primary() != nullptr; }, seconds{60});
    }
    chaos.begin();
    world.run_for(length);
    chaos.heal();
    if (!world.violation().empty()) return world.violation();
    if (world.alarmed()) return {};
    const bool led = world.run_until([&] { return world.primary() != nullptr || world.alarmed(); },
                                     convergence_bound);
    if (world.violation().empty() && led && !world.alarmed()) {
        world.run_for(seconds{2});
        world.write_rows(false);
        if (!world.run_until([&] { return world.converged() || world.alarmed(); },
                             convergence_bound)) {
            world.fail("I7: the cluster does not come to rest\n" + world.describe());
        }
        const auto* leader = world.primary();
        if (settings.vip && world.violation().empty() && !world.alarmed() &&
            (leader == nullptr || !leader->has_address()))
            world.fail("I7: the address is not where the leader is\n" + world.describe());
    } else if (world.violation().empty() && !world.alarmed()) {
        world.fail("I7: nobody is primary after all was healed\n" + world.describe());
    }
    return world.violation();
}

}  // namespace sim
