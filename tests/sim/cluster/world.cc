#include "tests/sim/cluster/world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "adapters/json/records.h"

namespace sim {
namespace {

using model::Duration;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t trace_length = 250;

std::string stamp(Duration now) {
    const auto us = std::chrono::duration_cast<microseconds>(now).count();
    auto text = std::to_string(us);
    if (text.size() < 7) text.insert(0, 7 - text.size(), '0');
    text.insert(text.size() - 6, ".");
    return text;
}

}  // namespace

World::World(WorldSettings settings)
    : settings_{settings}, random_{settings.seed}, log_{server_, "OBJ_wal"} {
    for (int i = 1; i <= settings_.machines; ++i) {
        const auto id = "n" + std::to_string(i);
        const auto drift =
            settings_.drift ? static_cast<std::int64_t>(random_.below(20'001)) - 10'000 : 0;
        machines_.push_back(std::make_unique<Machine>(
            MachineSettings{.id = id,
                            .timing = settings_.timing,
                            .snapshot_interval = settings_.snapshot_interval,
                            .drift_ppm = drift,
                            .mutation = settings_.mutation},
            MachineWorld{.schedule = schedule_,
                         .random = random_,
                         .server = server_,
                         .say = [this](const std::string& line) { trace("-- " + line); },
                         .event =
                             [this](reconcilers::ports::Level level,
                                    std::string_view name,
                                    const std::string& line) {
                                 trace(line);
                                 events_.push_back(line);
                                 if (name == "replica.alarm_raised" &&
                                     level == reconcilers::ports::Level::error) {
                                     alarm_ = line;
                                     if (!alarm_allowed_)
                                         violate("an alarm without a cause: " + line);
                                 }
                             },
                         .lease_sent =
                             [this, id](const model::LeaseRecord& record) {
                                 for (const auto& machine : machines_) {
                                     if (machine->id() == id) check_release(*machine, record);
                                 }
                             },
                         .database_made =
                             [this, id] {
                                 if (log_.has_data()) {
                                     violate("C39: the backend of " + id +
                                             " makes a database while data exists");
                                 }
                                 database_made_ = true;
                             },
                         .violation = [this](const std::string& why) { violate(why); }}));
        if (settings_.mutation == Mutation::no_warden) machines_.back()->starve_warden(true);
    }
    keep_writing();
}

World::~World() = default;

void World::boot_all() {
    for (auto& machine : machines_)
        machine->boot();
}

void World::trace(const std::string& line) {
    static const bool aloud = std::getenv("SIM_TRACE") != nullptr;
    auto full = stamp(schedule_.now()) + " " + line;
    if (aloud) std::fprintf(stderr, "%s\n", full.c_str());
    trace_.push_back(std::move(full));
    if (trace_.size() > trace_length) trace_.pop_front();
}

void World::violate(const std::string& what) {
    if (!violation_.empty()) return;
    trace("VIOLATION " + what);
    violation_ = what;
}

std::string World::violation() const {
    if (violation_.empty()) return {};
    std::string text = violation_ + "\nseed " + std::to_string(settings_.seed) + "\n";
    for (const auto& line : trace_)
        text += line + "\n";
    return text;
}

int World::count(const std::string& text) const {
    return static_cast<int>(std::count_if(events_.begin(), events_.end(), [&](const auto& line) {
        return line.find(text) != std::string::npos;
    }));
}

void World::run_for(Duration time) {
    (void)run_until([] { return false; }, time);
}

bool World::run_until(const std::function<bool()>& so, Duration within) {
    const auto limit = schedule_.now() + within;
    while (violation_.empty()) {
        if (so()) return true;
        for (auto& machine : machines_)
            machine->arm();
        if (!schedule_.step(limit)) return so();
        check();
    }
    return false;
}

void World::keep_writing() {
    schedule_.after(random_.between(milliseconds{5}, milliseconds{150}),
                    [this] { keep_writing(); });
    if (writing_) write_now();
}

void World::write_now() {
    for (auto& machine : machines_) {
        if (machine->serving() && machine->commit(++next_row_)) ++committed_;
    }
}

void World::wish_switchover(const std::string& to) {
    trace("-- operator wishes for a switchover to '" + to + "'");
    SimClient& operators = server_.client("operator");
    SimKvStore bucket{operators, "spec"};
    app::ClusterKv cluster{bucket, bucket};
    (void)bucket.ensure();
    auto entry = cluster.spec();
    if (!entry) return;
    auto spec = entry->spec;
    const auto* leader = primary();
    spec.switchover = model::Spec::Switchover{
        .id = "wish-" + std::to_string(++wishes_),
        .to = to,
        .from = to.empty() && leader != nullptr ? leader->id() : std::string{}};
    (void)cluster.write(spec, entry->revision);
}

void World::lose_last(const std::string& stream) {
    trace("-- the store loses the last message of " + stream);
    if (stream == "OBJ_wal") alarm_allowed_ = true;
    server_.lose_last(stream);
    if (stream == "OBJ_wal") log_.begin_anew();
}

Machine* World::primary() {
    for (auto& machine : machines_) {
        if (machine->primary()) return machine.get();
    }
    return nullptr;
}

void World::check() {
    const Machine* serving = nullptr;
    for (const auto& machine : machines_) {
        if (!machine->backend_alive()) continue;
        if (serving != nullptr) {
            violate("I1: the backends of " + serving->id() + " and " + machine->id() +
                    " are both alive");
        }
        serving = machine.get();
    }
    const auto* stream = server_.find("OBJ_wal");
    if (stream != nullptr && stream->last() != log_seen_) {
        log_seen_ = stream->last();
        if (auto wrong = log_.look(); !wrong.empty()) violate(wrong);
    }
    check_promotions();
}

void World::check_promotions() {
    for (const auto& machine : machines_) {
        const auto* board = machine->board();
        const auto epoch = board != nullptr ? board->replica.promoted.value : 0;
        auto& last = last_promoted_[machine->id()];
        if (epoch == last) continue;
        last = epoch;
        if (epoch == 0) continue;
        const auto [holder, first] = promoted_.try_emplace(epoch, machine->id());
        if (holder->second != machine->id()) {
            violate("I2: epoch " + std::to_string(epoch) + " was promoted on " + holder->second +
                    " and on " + machine->id());
        }
        const auto rows = machine->rows();
        if (log_.rows() && (!rows || !begins_with(*rows, *log_.rows()))) {
            violate("I4: " + machine->id() + " was promoted in epoch " + std::to_string(epoch) +
                    " with " + std::to_string(rows ? rows->size() : 0) +
                    " rows, and lacks some of the " + std::to_string(log_.rows()->size()) +
                    " that the store had acknowledged");
        }
    }
}

/// I5, L9: who gives the lease up in order has shipped everything, and nothing of it lives.
void World::check_release(const Machine& machine, const model::LeaseRecord& record) {
    if (record.state != model::LeaseRecord::State::released) return;
    if (machine.backend_alive()) violate("I5: " + machine.id() + " releases with a live backend");
    const auto* board = machine.board();
    if (board == nullptr || board->replica.swept.value == 0 || !log_.rows()) return;
    const auto rows = const_cast<Machine&>(machine).rows();
    (void)log_.look();
    if (rows && !begins_with(*log_.rows(), *rows)) {
        violate("I5: " + machine.id() + " releases with " + std::to_string(rows->size()) +
                " rows, the store has acknowledged " + std::to_string(log_.rows()->size()));
    }
}

bool World::converged() {
    auto* leader = primary();
    if (leader == nullptr) return false;
    const auto& position = leader->board()->replica.position;
    if (!leader->board()->replica.lag || leader->board()->replica.lag->transactions != 0) {
        return false;
    }
    if (position.txid != log_.visible()) return false;
    const auto rows = leader->rows();
    if (!rows || !log_.rows() || *rows != *log_.rows()) return false;
    const auto pages = leader->data_pages();
    for (auto& machine : machines_) {
        if (machine.get() == leader) continue;
        const auto* board = machine->board();
        if (board == nullptr || board->replica.position != position ||
            !board->replica.copy_complete || board->replica.lag->transactions != 0) {
            return false;
        }
        const auto size = machine->files().size(machine->paths().replica);
        if (!size || *size != std::uint64_t{pages} * sim_page_size) return false;
        for (std::uint32_t page = 1; page <= pages; ++page) {
            const auto here = machine->files().read_at(
                machine->paths().replica, std::uint64_t{page - 1} * sim_page_size, sim_page_size);
            const auto there = leader->data_page(page);
            if (!here || !there || *here != *there) {
                violate("the copy of " + machine->id() + " at TXID " +
                        std::to_string(position.txid.value) + " differs in page " +
                        std::to_string(page));
                return false;
            }
        }
    }
    return true;
}

std::string World::standing() {
    std::string text = "log ends at " + std::to_string(log_.visible().value) + ", rows " +
                       (log_.rows() ? std::to_string(log_.rows()->size()) : "unknown") + "\n";
    for (auto& machine : machines_) {
        text += machine->id() + ": ";
        const auto* board = machine->board();
        if (board == nullptr) {
            text += machine->powered() ? "no node process\n" : "no power\n";
            continue;
        }
        constexpr const char* phases[] = {"starting", "follower", "holder", "draining", "fencing"};
        const auto rows = machine->rows();
        text += std::string{phases[static_cast<int>(board->role.phase)]} + ", waits for '" +
                board->role.waiting_for + "', replica " + board->replica.state + " (" +
                board->replica.message + ") at " +
                std::to_string(board->replica.position.tenure.value) + "/" +
                std::to_string(board->replica.position.txid.value) + ", promoted " +
                std::to_string(board->replica.promoted.value) + ", backend " +
                (machine->backend_alive() ? "alive" : "dead") +
                (board->backend.ready ? ", ready" : "") + " (" + board->backend.message +
                "), rows at dataPath " + (rows ? std::to_string(rows->size()) : "none") +
                (machine->partitioned() ? ", cut off" : "") +
                (machine->stopped() ? ", stopped" : "") + "\n";
    }
    return text;
}

}  // namespace sim
