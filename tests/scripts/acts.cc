// Directives that act on the cluster, or let time pass.
#include <map>
#include <utility>

#include "model/duration_text.h"
#include "model/ids.h"
#include "tests/scripts/directive.h"

namespace scripts {
namespace {

using model::Errc;
using model::Result;
using std::chrono::seconds;

model::Error invalid(std::string why) { return model::error(Errc::invalid, std::move(why)); }

Result<sim::Mutation> parse_rule(std::string_view text) {
    static const std::map<std::string_view, sim::Mutation> rules{
        {"warden", sim::Mutation::no_warden},
        {"expectations", sim::Mutation::no_expect},
        {"compare-and-set", sim::Mutation::no_cas},
        {"tail", sim::Mutation::no_tail},
        {"reading", sim::Mutation::no_read},
        {"knowing-the-store", sim::Mutation::any_store},
        {"waiting-for-the-dead", sim::Mutation::dead_too_soon}};
    const auto found = rules.find(text);
    if (found == rules.end()) return invalid("no rule of this name can be taken away");
    return found->second;
}

Result<void> set(sim::WorldSettings& settings, std::string_view name, std::string_view value) {
    const std::map<std::string_view, model::Duration*> durations{
        {"ttl", &settings.timing.ttl},
        {"heartbeat", &settings.timing.heartbeat},
        {"margin", &settings.timing.margin},
        {"cooldown", &settings.timing.cooldown},
        {"snapshots", &settings.snapshot_interval}};
    if (const auto found = durations.find(name); found != durations.end()) {
        auto duration = model::parse_duration(value);
        if (!duration) return std::move(duration).error();
        *found->second = *duration;
        return {};
    }
    if (name == "nofailover") {
        settings.nofailover.emplace(value);
        return {};
    }
    if (name == "without") {
        auto rule = parse_rule(value);
        if (!rule) return std::move(rule).error();
        settings.mutation = *rule;
        return {};
    }
    auto number = model::parse_number(value);
    if (!number) return std::move(number).error();
    if (name == "seed") {
        settings.seed = *number;
    } else if (name == "nodes" && *number >= 1 && *number <= 9) {
        settings.machines = static_cast<int>(*number);
    } else {
        return invalid("there is no such option");
    }
    return {};
}

Result<void> build(Stage& stage, const Arguments& arguments) {
    sim::WorldSettings settings;
    for (const std::string_view option : arguments.words) {
        const auto equals = option.find('=');
        if (equals == std::string_view::npos) {
            return invalid(std::string{option} + ": an option is written name=value");
        }
        auto done = set(settings, option.substr(0, equals), option.substr(equals + 1));
        if (!done) return std::move(done).error().during(option);
    }
    stage.build(settings);
    return {};
}

bool whole(const sim::Machine& machine) {
    return machine.board() != nullptr && machine.board()->membership.claimed &&
           machine.board()->replica.copy_complete;
}

/// n1 always leads first, whatever the seed, so that scripts can name nodes.
Result<void> start(Stage& stage, const Arguments& arguments) {
    if (auto built = build(stage, arguments); !built) return built;
    auto& world = stage.world();
    stage.quiet(true);
    world.machine(0).boot();
    auto led = stage.wait([&] { return world.machine(0).primary(); }, seconds{60});
    if (!led) return led;
    for (std::size_t i = 1; i < world.size(); ++i)
        world.machine(i).boot();
    auto copied = stage.wait(
        [&] {
            for (std::size_t i = 1; i < world.size(); ++i) {
                if (!whole(world.machine(i))) return false;
            }
            return true;
        },
        seconds{60});
    if (!copied) return copied;
    world.run_for(seconds{3});
    auto printed = stage.note_events();
    stage.quiet(false);
    return printed;
}

/// The connection that a directive names: the machine's, for all processes, or one of the running
/// process.
Result<sim::SimClient*> connection(sim::Machine& machine, std::string_view name) {
    if (machine.process() == nullptr) return invalid(machine.id() + " has no node process");
    const auto which = name == "role"      ? sim::Connection::role
                       : name == "control" ? sim::Connection::control
                                           : sim::Connection::log;
    return &machine.process()->client(which);
}

Result<void> partition(const Arguments& arguments, bool cut) {
    auto& machine = *arguments.nodes[0];
    if (arguments.words[0] == "nats") {
        machine.partition(cut);
        return {};
    }
    auto client = connection(machine, arguments.words[0]);
    if (!client) return std::move(client).error();
    (*client)->set_partitioned(cut);
    return {};
}

Result<void> fail_requests(Stage&, const Arguments& arguments) {
    static const std::map<std::string_view, sim::SimFault> faults{
        {"none", sim::SimFault::none},
        {"lost", sim::SimFault::request_lost},
        {"answer-lost", sim::SimFault::answer_lost},
        {"late", sim::SimFault::late}};
    auto client = connection(*arguments.nodes[0], arguments.words[0]);
    if (!client) return std::move(client).error();
    for (std::size_t i = 1; i < arguments.words.size(); ++i) {
        const auto fault = faults.find(arguments.words[i]);
        if (fault == faults.end()) return invalid("a request is none, lost, answer-lost or late");
        (*client)->fail_next(fault->second);
    }
    return {};
}

std::string stream_of(const std::string& name) {
    if (name == "log") return "OBJ_wal";
    return name == "lease" ? "KV_election" : "KV_" + name;
}

void kill(sim::Machine& machine, const std::string& what) {
    if (what == "node") machine.kill_node();
    if (what == "warden") machine.kill_warden();
    if (what == "backend") machine.kill_backend();
}

void command_daemon(sim::Machine& machine, const std::string& what) {
    if (what == "start") machine.start_daemon();
    if (what == "stop") machine.stop_daemon();
    if (what == "restart") machine.restart_daemon();
}

void sync(sim::Machine& machine, const std::string& what) {
    if (what == "staged") machine.sync_staged();
    if (what == "staged-names") machine.sync_staged_names();
    if (what == "wal") machine.sync_wal();
}

Result<void> converge(Stage& stage) {
    auto& world = stage.world();
    world.write_rows(false);
    return stage.wait([&] { return world.converged(); }, seconds{120});
}

using Args = Arguments;

constexpr Rule all[]{
    {"start NAME...", "a cluster that works, n1 leads; with options, name=value", start},
    {"cluster NAME...", "one of the same options, without power", build},
    {"boot NODE",
     "the machine gets power",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->boot();
         return {};
     }},
    {"powercut NODE",
     "what was not synced is lost",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->cut_power(false);
         return {};
     }},
    {"powercut NODE torn",
     "what was not synced is kept or lost by chance, page by page",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->cut_power(true);
         return {};
     }},
    {"kill NODE node|warden|backend",
     "SIGKILL",
     [](Stage&, const Args& a) -> Result<void> {
         kill(*a.nodes[0], a.words[0]);
         return {};
     }},
    {"kill NODE after NUMBER steps",
     "SIGKILL for its node process, after so many changes of its replica to the disk",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->kill_node_after_steps(a.numbers[0]);
         return {};
     }},
    {"stop NODE",
     "SIGSTOP for its node process",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->stop_node();
         return {};
     }},
    {"continue NODE",
     "SIGCONT",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->continue_node();
         return {};
     }},
    {"daemon NODE start|stop|restart",
     "as systemctl does",
     [](Stage&, const Args& a) -> Result<void> {
         command_daemon(*a.nodes[0], a.words[0]);
         return {};
     }},
    {"backend NODE healthy|unhealthy",
     "what its health endpoint answers",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->set_unhealthy(a.words[0] == "unhealthy");
         return {};
     }},
    {"partition NODE nats|role|control|log",
     "cut off from the store: the machine, or one connection of its process",
     [](Stage&, const Args& a) { return partition(a, true); }},
    {"heal NODE nats|role|control|log",
     "connected again",
     [](Stage&, const Args& a) { return partition(a, false); }},
    {"fail NODE role|control|log NAME...",
     "its next writes: none (goes through), lost, answer-lost, late",
     fail_requests},
    {"deliver NODE",
     "its late writes arrive",
     [](Stage&, const Args& a) -> Result<void> {
         for (auto* client : a.nodes[0]->clients())
             client->deliver_late();
         return {};
     }},
    {"lose log|lease|state|spec",
     "the store forgets the newest message of a stream",
     [](Stage& s, const Args& a) -> Result<void> {
         s.world().lose_last(stream_of(a.words[0]));
         return {};
     }},
    {"disk NODE capacity NUMBER",
     "all of its files together have so many bytes at most",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->files().capacity(a.numbers[0]);
         return {};
     }},
    {"disk NODE unlimited",
     "there is room again",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->files().capacity(UINT64_MAX);
         return {};
     }},
    {"sync NODE staged|staged-names|wal",
     "the kernel wrote this back: files and names, or the names alone",
     [](Stage&, const Args& a) -> Result<void> {
         sync(*a.nodes[0], a.words[0]);
         return {};
     }},
    {"forget NODE staged",
     "its staged files are gone from the disk",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->forget_staged();
         return {};
     }},
    {"checkpoint NODE",
     "the application's own",
     [](Stage&, const Args& a) -> Result<void> {
         a.nodes[0]->checkpoint();
         return {};
     }},
    {"writes on|off",
     "the application's rows, wherever a backend serves; on from the start",
     [](Stage& s, const Args& a) -> Result<void> {
         s.world().write_rows(a.words[0] == "on");
         return {};
     }},
    {"write",
     "one row",
     [](Stage& s, const Args&) -> Result<void> {
         s.world().write_now();
         return {};
     }},
    {"write NUMBER every DURATION",
     "so many rows",
     [](Stage& s, const Args& a) -> Result<void> {
         for (std::uint64_t i = 0; i < a.numbers[0]; ++i) {
             s.world().write_now();
             s.world().run_for(a.durations[0]);
         }
         return {};
     }},
    {"switchover",
     "an operator asks for another leader",
     [](Stage& s, const Args&) -> Result<void> {
         s.world().request_switchover({});
         return {};
     }},
    {"switchover NODE",
     "for this one",
     [](Stage& s, const Args& a) -> Result<void> {
         s.world().request_switchover(a.nodes[0]->id());
         return {};
     }},
    {"leave NODE",
     "an operator asks the node to leave the cluster",
     [](Stage& s, const Args& a) -> Result<void> {
         s.world().change_spec([&](model::Spec& spec) { spec.leave.push_back(a.nodes[0]->id()); });
         return {};
     }},
    {"pause",
     "an operator pauses the cluster",
     [](Stage& s, const Args&) -> Result<void> {
         s.world().change_spec([](model::Spec& spec) { spec.paused = true; });
         return {};
     }},
    {"resume",
     "and resumes it",
     [](Stage& s, const Args&) -> Result<void> {
         s.world().change_spec([](model::Spec& spec) { spec.paused = false; });
         return {};
     }},
    {"spec TEXT...",
     "this text stands in the spec bucket",
     [](Stage& s, const Args& a) -> Result<void> {
         s.world().server().publish(
             "KV_spec", {.message = {.subject = "spec", .payload = model::to_bytes(a.text)}});
         return {};
     }},
    {"advance DURATION",
     "time passes",
     [](Stage& s, const Args& a) -> Result<void> {
         s.world().run_for(a.durations[0]);
         return {};
     }},
    {"converge",
     "no more writes; every copy is whole and equal within two minutes",
     [](Stage& s, const Args&) { return converge(s); }},
};

}  // namespace

std::span<const Rule> acts() { return all; }

}  // namespace scripts
