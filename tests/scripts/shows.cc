// Directives that print.
#include <algorithm>

#include "tests/scripts/directive.h"

namespace scripts {
namespace {

using model::Result;
using Args = Arguments;

template <typename What>
void for_each_node(Stage& stage, What what) {
    for (std::size_t i = 0; i < stage.world().size(); ++i)
        what(stage.world().machine(i));
}

std::string text_of(std::uint64_t number) { return std::to_string(number); }

// --- status

std::string phase_of(const sim::Machine& machine) {
    if (!machine.powered()) return "no power";
    if (machine.board() == nullptr) return "no process";
    if (machine.primary()) return "primary";
    constexpr const char* phases[] = {"starting", "follower", "holder", "draining", "fencing"};
    return phases[static_cast<std::size_t>(machine.board()->role.phase)];
}

/// A TXID alone is meaningless to a reader: shown relative to the end of the log.
std::string position_of(const model::Position& position, model::Txid end) {
    const char* where = position.txid == end ? "end" : position.txid < end ? "behind" : "ahead";
    return text_of(position.tenure.value) + "/" + where;
}

void show_status(Stage& stage, sim::Machine& machine) {
    const auto* board = machine.board();
    if (board == nullptr) {
        stage.print("status", {machine.id(), phase_of(machine)});
        return;
    }
    const auto& leader = board->role.leader;
    stage.print("status",
                {machine.id(),
                 phase_of(machine),
                 "leader=" + (leader.empty() ? "-" : leader),
                 "epoch=" + text_of(board->role.record_epoch.value),
                 "position=" + position_of(board->replica.position, stage.world().log().visible()),
                 board->replica.state});
}

void show_conditions(Stage& stage, sim::Machine& machine) {
    std::string names;
    if (machine.process() != nullptr) {
        for (const auto& condition : machine.process()->status().conditions) {
            if (!condition.status) continue;
            names += (names.empty() ? "" : " ") + std::string{to_text(condition.type)};
        }
    }
    stage.print("conditions", {machine.id(), names.empty() ? "none" : names});
}

// --- data

const char* all_or_some(std::size_t rows, const sim::World& world) {
    return rows == world.committed() ? "all that were committed" : "not all that were committed";
}

const char* compared(const sim::Rows& rows, const sim::Rows& log) {
    if (rows == log) return "as the log";
    if (sim::begins_with(rows, log)) return "more than the log";
    return sim::begins_with(log, rows) ? "less than the log" : "other than the log";
}

void show_rows(Stage& stage) {
    auto& world = stage.world();
    const auto& log = world.log().rows();
    stage.print("rows", {"log", log ? all_or_some(log->size(), world) : "unknown"});
    for_each_node(stage, [&](sim::Machine& machine) {
        const auto rows = machine.rows();
        std::string text = rows ? all_or_some(rows->size(), world) : "no database";
        if (rows && log) text += std::string{", "} + compared(*rows, *log);
        stage.print("rows", {machine.id(), text});
    });
}

/// Prints the log in order, without numbers that depend on chance: consecutive files of one epoch
/// are one line, snapshots are left out.
void show_log(Stage& stage) {
    const auto* const stream = stage.world().server().find("OBJ_wal");
    if (stream == nullptr) return;
    std::pair<std::string, std::string> last;
    for (auto at = stream->next_meta(1); at != 0; at = stream->next_meta(at + 1)) {
        const auto& message = stream->at(at);
        if (!message.meta) continue;
        const auto entry = model::to_entry(*message.meta);
        std::pair<std::string, std::string> next;
        using Kind = model::LogEntry::Kind;
        if (entry.kind == Kind::marker) {
            next = {"marker", text_of(entry.marker.epoch.value)};
        } else if (entry.kind == Kind::opened) {
            next = {"opened", text_of(entry.opened.epoch.value)};
        } else if (entry.kind == Kind::ltx && entry.ltx.level == 0) {
            next = {"files", text_of(entry.ltx.epoch.value)};
        } else {
            continue;
        }
        if (next.first == "files" && next == last) continue;
        last = next;
        stage.print("log", {"log", next.first, "epoch=" + next.second});
    }
}

void show_lease(Stage& stage) {
    const auto record = stage.world().lease();
    if (!record) {
        stage.print("lease", {"lease", "none"});
        return;
    }
    const bool held = record->state == model::LeaseRecord::State::held;
    stage.print("lease",
                {"lease",
                 held ? "held" : "released",
                 "by=" + record->node_id,
                 "epoch=" + text_of(record->epoch.value)});
}

void show_lag(Stage& stage, const sim::Machine& machine) {
    const auto* board = machine.board();
    if (board == nullptr || !board->replica.lag) {
        stage.print("lag", {machine.id(), "lag=unknown"});
        return;
    }
    const auto& lag = *board->replica.lag;
    stage.print("lag",
                {machine.id(),
                 "lag=" + text_of(lag.transactions),
                 "seconds=" + std::to_string(lag.ms / 1000)});
}

/// "db.sqlite.diverged-1-TXID-wal"
std::string without_txid(std::string name) {
    constexpr std::string_view mark = ".diverged-";
    const auto tenure = name.find(mark);
    if (tenure == std::string::npos) return name;
    const auto dash = name.find('-', tenure + mark.size());
    if (dash == std::string::npos) return name;
    const auto end = std::min(name.find_first_not_of("0123456789", dash + 1), name.size());
    return name.replace(dash + 1, end - dash - 1, "TXID");
}

Result<void> show_files(Stage& stage, sim::Machine& machine, const std::string& directory) {
    auto names = machine.files().list(directory);
    if (!names) return std::move(names).error();
    if (names->empty()) stage.print("files", {machine.id(), "none"});
    for (const auto& name : *names)
        stage.print("files", {machine.id(), without_txid(name)});
    return {};
}

constexpr Rule all[]{
    {"show status",
     "each node: role, leader and epoch as it sees them, tenure and place in the log",
     [](Stage& s, const Args&) -> Result<void> {
         for_each_node(s, [&](sim::Machine& machine) { show_status(s, machine); });
         return {};
     }},
    {"show conditions",
     "each node's conditions that are true",
     [](Stage& s, const Args&) -> Result<void> {
         for_each_node(s, [&](sim::Machine& machine) { show_conditions(s, machine); });
         return {};
     }},
    {"show backend",
     "whether each lives, and how often it was started",
     [](Stage& s, const Args&) -> Result<void> {
         for_each_node(s, [&](sim::Machine& machine) {
             s.print("backend",
                     {machine.id(),
                      machine.backend_alive() ? "alive" : "dead",
                      "starts=" + text_of(machine.backend_starts())});
         });
         return {};
     }},
    {"show rows",
     "which rows the log and each database at dataPath have",
     [](Stage& s, const Args&) -> Result<void> {
         show_rows(s);
         return {};
     }},
    {"show writes",
     "whether rows were committed in this block",
     [](Stage& s, const Args&) -> Result<void> {
         s.print("writes", {"committed", s.committed() > 0 ? "some" : "none"});
         return {};
     }},
    {"show shipped",
     "how many files the log got in this block",
     [](Stage& s, const Args&) -> Result<void> {
         s.print("shipped", {"log", "files=" + text_of(s.shipped())});
         return {};
     }},
    {"show log",
     "markers, openings and files of the log, in their order",
     [](Stage& s, const Args&) -> Result<void> {
         show_log(s);
         return {};
     }},
    {"show lease",
     "the record",
     [](Stage& s, const Args&) -> Result<void> {
         show_lease(s);
         return {};
     }},
    {"show lag NODE",
     "as it tells it: transactions, whole seconds",
     [](Stage& s, const Args& a) -> Result<void> {
         show_lag(s, *a.nodes[0]);
         return {};
     }},
    {"show fetched NODE",
     "pieces of the log that it read in this block",
     [](Stage& s, const Args& a) -> Result<void> {
         s.print("fetched", {a.nodes[0]->id(), "fetched=" + text_of(s.fetched(*a.nodes[0]))});
         return {};
     }},
    {"show files NODE NAME",
     "what a directory of its disk has",
     [](Stage& s, const Args& a) { return show_files(s, *a.nodes[0], a.words[0]); }},
    {"count NAME...",
     "how often these events happened on all nodes since the cluster's first boot",
     [](Stage& s, const Args& a) -> Result<void> {
         for (const auto& name : a.words)
             s.print("count", {name, std::to_string(s.count(name))});
         return {};
     }},
    {"events NAME...",
     "which are printed from now on: role.* -role.draining_started; usual; none",
     [](Stage& s, const Args& a) -> Result<void> {
         s.filter(Filter{a.words});
         return {};
     }},
};

}  // namespace

std::span<const Rule> shows() { return all; }

}  // namespace scripts
