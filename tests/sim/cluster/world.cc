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

World::World(const WorldSettings& settings)
    : settings_{settings},
      random_{settings.seed},
      server_{"a"},
      other_server_{"b"},
      log_{server_, "OBJ_wal"} {
    for (int i = 1; i <= settings_.machines; ++i) {
        const auto id = "n" + std::to_string(i);
        const auto drift =
            settings_.drift ? static_cast<std::int64_t>(random_.below(20'001)) - 10'000 : 0;
        machines_.push_back(std::make_unique<Machine>(
            MachineSettings{.id = id,
                            .timing = settings_.timing,
                            .snapshot_interval = settings_.snapshot_interval,
                            .drift_ppm = drift,
                            .nofailover = settings_.nofailover.contains(id),
                            .vip = settings_.vip,
                            .mutation = settings_.mutation},
            MachineWorld{.schedule = schedule_,
                         .random = random_,
                         .servers = {&server_},
                         .note = [this](const std::string& line) { trace("-- " + line); },
                         .event =
                             [this, id](reconcilers::ports::Level level,
                                        std::string_view name,
                                        const reconcilers::ports::Fields& fields) {
                                 note_event(id, level, name, fields);
                             },
                         .lease_sent =
                             [this, id](const model::LeaseRecord& record) {
                                 for (const auto& machine : machines_) {
                                     if (machine->id() == id) check_release(*machine, record);
                                 }
                             },
                         .database_created =
                             [this, id] {
                                 if (log_.has_data()) {
                                     violate("C39: the backend of " + id +
                                             " makes a database while data exists");
                                 }
                                 database_created_ = true;
                             },
                         .violation = [this](const std::string& why) { violate(why); },
                         .address_elsewhere =
                             [this](const std::string& asking) {
                                 return std::any_of(
                                     machines_.begin(), machines_.end(), [&](const auto& each) {
                                         return each->id() != asking && each->has_address();
                                     });
                             }}));
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

void World::note_event(const std::string& node,
                       reconcilers::ports::Level level,
                       std::string_view name,
                       const reconcilers::ports::Fields& fields) {
    Event event{.level = level,
                .node = node,
                .name = std::string{name},
                .fields = {fields.begin(), fields.end()},
                .line = node + " " + std::string{name}};
    for (const auto& [key, value] : fields)
        event.line += " " + std::string{key} + "=" + value;
    trace(event.line);
    if (name == "replica.alarm_raised" && level == reconcilers::ports::Level::error) {
        alarm_ = event.line;
        if (!alarm_allowed_) violate("an alarm without a cause: " + event.line);
    }
    events_.push_back(std::move(event));
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
    return static_cast<int>(std::count_if(events_.begin(), events_.end(), [&](const auto& event) {
        return event.line.find(text) != std::string::npos;
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

void World::request_switchover(const std::string& to) {
    trace("-- operator requests for a switchover to '" + to + "'");
    change_spec([&](model::Spec& spec) {
        const auto* leader = primary();
        spec.switchover = model::Spec::Switchover{
            .id = "request-" + std::to_string(++requests_),
            .to = to,
            .from = to.empty() && leader != nullptr ? leader->id() : std::string{}};
    });
}

void World::change_spec(const std::function<void(model::Spec&)>& change) {
    SimClient& operators = server_.client("operator");
    SimKvStore bucket{operators, "spec"};
    adapters::json::KvClusterStore cluster{bucket, bucket};
    (void)bucket.ensure();
    auto entry = cluster.spec();
    if (!entry) return;
    auto spec = entry->spec;
    change(spec);
    (void)cluster.write(spec, entry->revision);
}

void World::lose_last(const std::string& stream) {
    trace("-- the store loses the last message of " + stream);
    if (stream == "OBJ_wal") alarm_allowed_ = true;
    server_.lose_last(stream);
    if (stream == "OBJ_wal") log_.begin_anew();
}

std::optional<model::LeaseRecord> World::lease() {
    const auto* stream = server_.find("KV_election");
    const auto at = stream != nullptr ? stream->last_of("leader") : 0;
    if (at == 0) return {};
    auto record = adapters::json::decode_lease(model::to_text(stream->at(at).payload));
    if (!record) return {};
    return std::move(*record);
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
    if (settings_.vip) check_addresses();
    const auto* stream = server_.find("OBJ_wal");
    if (stream != nullptr && stream->last() != log_seen_) {
        log_seen_ = stream->last();
        if (auto wrong = log_.check(); !wrong.empty()) violate(wrong);
    }
    check_promotions();
}

void World::check_addresses() {
    const Machine* holder = nullptr;
    for (const auto& machine : machines_) {
        if (machine->address_outlives_lease())
            violate("I6: " + machine->id() + " has the address after its lease");
        if (!machine->has_address()) continue;
        if (holder != nullptr)
            violate("I6: " + holder->id() + " and " + machine->id() + " both have the address");
        holder = machine.get();
    }
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

/// I5, L9: a node that releases the lease has shipped everything, and its backend is dead.
void World::check_release(const Machine& machine, const model::LeaseRecord& record) {
    if (record.state != model::LeaseRecord::State::released) return;
    if (machine.backend_alive()) violate("I5: " + machine.id() + " releases with a live backend");
    if (machine.has_address()) violate("I6: " + machine.id() + " releases with the address");
    const auto* board = machine.board();
    if (board == nullptr || board->replica.flushed.number == 0 || !log_.rows()) return;
    const auto rows = const_cast<Machine&>(machine).rows();
    (void)log_.check();
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

std::string World::describe() {
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
