#include "reconcilers/replica/replica.h"

#include <algorithm>
#include <utility>

namespace reconcilers::replica {
namespace {

using model::Errc;
using model::Instant;
using std::chrono::milliseconds;

constexpr milliseconds pass_budget{50};  // then the lease is looked at again
// Hints wake earlier; these are their fallback. A look at the WAL costs no request.
constexpr milliseconds follow_interval{1000};
constexpr milliseconds ship_interval{250};
constexpr milliseconds retry_interval{250};
constexpr milliseconds write_fence_budget{20};
constexpr std::size_t history_limit = 32;

}  // namespace

ReplicaReconciler::ReplicaReconciler(Settings settings, Ports ports)
    : settings_{std::move(settings)},
      ports_{ports},
      local_{ports.files, settings_.paths, settings_.boot_id},
      reader_{ports.store},
      copy_{local_, ports.files, ports.store},
      shipper_{local_,
               {.database = ports.database,
                .store = ports.store,
                .clock = ports.clock,
                .events = ports.events},
               settings_.snapshot_interval} {}

ReplicaReconciler::Pass ReplicaReconciler::step(const Board& board) {
    const auto begun = ports_.clock.now();
    auto turn = Turn::more;
    // A pass that the lease outlives goes on in the next one, with a newer board.
    while (turn == Turn::more) {
        turn = this->turn(board);
        if (turn != Turn::retry) {
            if (message_ == last_error_) message_.clear();
            last_error_.clear();
        }
        if (ports_.clock.now() - begun >= pass_budget) break;
    }
    judge_fitness(board);
    const auto now = ports_.clock.now();
    auto wake_at = now;
    if (turn == Turn::idle) {
        wake_at += phase_ == Phase::shipping || fencing_ ? ship_interval : follow_interval;
    }
    if (turn == Turn::retry) wake_at += retry_interval;
    const auto& lease = board.role.lease;
    if (lease && now < lease->fence_at()) wake_at = std::min(wake_at, lease->fence_at());
    return {.view = view(board), .wake_at = wake_at};
}

ReplicaReconciler::Turn ReplicaReconciler::turn(const Board& board) {
    if (phase_ == Phase::opening) return open();
    const auto& role = board.role;
    const bool holds = role.holds() && role.lease && ports_.clock.now() < role.lease->fence_at();
    if (!holds) {
        if (phase_ != Phase::following) lose_lease(board);
        return follow(board);
    }
    if (!alarm_.empty()) return Turn::idle;
    if (fencing_) return follow(board);  // what the last tenure left comes first
    if (phase_ == Phase::following || epoch_ != role.lease->epoch) begin_seal(board);
    switch (phase_) {
        case Phase::marking:
            return mark();
        case Phase::confirming:
            return confirm(board);
        case Phase::reading:
            return read_to_fence(board);
        case Phase::deciding:
            return decide(board);
        case Phase::opened:
            return publish_opened(board);
        case Phase::promoting:
            return promote(board);
        case Phase::creating:
            return create(board);
        case Phase::attaching:
            return attach(board);
        case Phase::shipping:
            return ship(board);
        case Phase::opening:
        case Phase::following:
            break;
    }
    return Turn::idle;
}

void ReplicaReconciler::enter(Phase phase) {
    phase_ = phase;
    message_.clear();
}

ReplicaReconciler::Turn ReplicaReconciler::failed(const model::Error& error,
                                                  std::string_view during) {
    message_ = std::string{during} + ": " + error.message;
    if (message_ != last_error_) {
        ports_.events.warning("replica.delayed",
                              {{"during", std::string{during}}, {"error", error.message}});
    }
    last_error_ = message_;
    return Turn::retry;
}

void ReplicaReconciler::raise_alarm(std::string reason) {
    if (alarm_.empty()) ports_.events.error("replica.alarm_raised", {{"reason", reason}});
    alarm_ = std::move(reason);
}

ReplicaReconciler::Turn ReplicaReconciler::open() {
    if (auto opened = local_.open(); !opened) return failed(opened.error(), "open local records");
    auto data = local_.data_exists();
    if (!data) return failed(data.error(), "look for the database");
    data_ = *data;
    auto staged = local_.load_staged();
    if (!staged) return failed(staged.error(), "read staged files");
    if (!staged->empty()) data_txid_ = staged->back().txid;
    auto aside = local_.list_set_aside();
    if (!aside) return failed(aside.error(), "list set-aside databases");
    set_aside_ = std::move(*aside);
    copy_.load();
    // A copy goes on where its record stands. A database is judged by the whole log (D4).
    if (copy_.exists() && !data_) reader_.resume(local_.standing().log);
    enter(Phase::following);
    return Turn::more;
}

void ReplicaReconciler::begin_seal(const Board& board) {
    epoch_ = board.role.lease->epoch;
    seal_ = {};
    raise_.reset();
    cannot_promote_ = false;
    swept_ = {};
    if (shipper_.attached()) shipper_.suspend();
    ports_.events.info("log.seal_started", {{"epoch", std::to_string(epoch_.value)}});
    enter(Phase::marking);
}

void ReplicaReconciler::lose_lease(const Board& board) {
    (void)board;
    ports_.events.info("replica.demoted", {{"epoch", std::to_string(epoch_.value)}});
    shipper_.suspend();
    fencing_ = shipper_.attached();
    promoted_ = {};
    swept_ = {};
    raise_.reset();
    cannot_promote_ = false;
    backend_must_stop_ = false;
    create_wanted_ = false;
    conversion_wanted_ = false;
    at_end_ = false;
    enter(Phase::following);
}

ReplicaReconciler::Turn ReplicaReconciler::follow(const Board& board) {
    if (fencing_) {
        if (!board.backend.dead) {
            // W2: courtesy, for as long as the backend is still there; the kill is the fence.
            if (!ports_.database.fenced()) (void)ports_.database.fence(write_fence_budget);
            return Turn::idle;
        }
        data_txid_ = shipper_.newest().txid;
        shipper_.detach();
        fencing_ = false;
    }
    auto data = local_.data_exists();
    if (!data) return failed(data.error(), "look for the database");
    data_ = *data;
    if (!alarm_.empty()) return Turn::idle;
    if (copy_.downloading()) {
        auto done = copy_.download();
        if (!done) {
            if (done.error().code == Errc::corrupt) {
                raise_alarm(done.error().message);
                return Turn::idle;
            }
            if (done.error().code == Errc::not_found) copy_.forget();
            return failed(done.error(), "download a snapshot");
        }
        if (!*done) return Turn::more;
        ports_.events.info("snapshot.restored",
                           {{"txid", std::to_string(copy_.position().txid.value)}});
        reader_.resume({});
        at_end_ = false;
        return Turn::more;
    }
    const auto turn = read_log(board, std::nullopt);
    if (turn != Turn::idle || !at_end_) return turn;
    const auto& log = reader_.state();
    if (data_) {
        const auto own = local_.tenure();
        if (log.opened && (!own || log.opened->tenure > *own)) return leave_tenure(board);
        return Turn::idle;
    }
    if (!copy_.exists() && log.snapshot) {
        auto begun = copy_.begin(*log.snapshot, log.snapshot_facts);
        if (!begun) return failed(begun.error(), "begin a copy");
        ports_.events.info("snapshot.restore_started", {{"name", log.snapshot->meta.name}});
        return Turn::more;
    }
    return Turn::idle;
}

/// Reads on to the end, or up to `until`. idle: it is reached, or the alarm was raised.
ReplicaReconciler::Turn ReplicaReconciler::read_log(const Board& board,
                                                    std::optional<model::Sequence> until) {
    if (!reader_.verified()) {
        at_end_ = false;
        auto behind = reader_.verify();
        if (!behind) return failed(behind.error(), "look at the log");
        if (!behind->empty()) {
            raise_alarm("the store is behind this node's memory: " + *behind);  // S10
            return Turn::idle;
        }
    }
    for (int i = 0; i < 32; ++i) {
        if (until && reader_.state().sequence >= *until) return Turn::idle;
        auto meta = reader_.peek();
        if (!meta) return failed(meta.error(), "read the log");
        if (!*meta || (until && (*meta)->sequence > *until)) {
            at_end_ = true;
            auto whole = copy_.reached_end(reader_.state());
            if (!whole) return failed(whole.error(), "sync the copy");
            if (!*whole) return drop_copy("it may be torn, and nothing in the log mends it");
            return Turn::idle;
        }
        if (const auto turn = take(board, **meta); turn != Turn::more) return turn;
    }
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::drop_copy(std::string_view why) {
    ports_.events.warning("replica.copy_dropped", {{"reason", std::string{why}}});
    copy_.forget();
    if (auto saved = local_.save(reader_.state(), {}, true); !saved) {
        return failed(saved.error(), "record that there is no copy");
    }
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::take(const Board& board, const model::StoredMeta& meta) {
    (void)board;
    const auto before = reader_.state();
    auto after = before;
    const auto folded = fold(after, meta);
    switch (folded.kind) {
        case Folded::Kind::broken:
            raise_alarm("the log does not continue what this node has read: " + folded.why);
            return Turn::idle;
        case Folded::Kind::void_epoch:
            ports_.events.warning("log.entry_void", {{"reason", folded.why}});
            break;
        case Folded::Kind::opened: {
            const auto own = local_.tenure();
            const auto tenure = folded.entry.opened.tenure;
            if (data_ && own && tenure > *own && !own_end_) {
                own_end_ = {before.visible(), before.last_nuid};
            }
            if (copy_.exists() && tenure > copy_.position().tenure) copy_.enter(tenure);
            break;
        }
        case Folded::Kind::level0: {
            const auto& facts = folded.entry.ltx;
            if (!copy_.exists() || copy_.downloading()) break;
            const auto here = copy_.position().txid;
            if (facts.max < here) break;
            if (facts.max == here) {
                if (copy_.nuid() != meta.meta.nuid && !copy_.nuid().empty()) {
                    raise_alarm("TXID " + std::to_string(here.value) + " of this node's copy is " +
                                copy_.nuid() + ", in the log it is " + meta.meta.nuid);
                    return Turn::idle;
                }
                break;
            }
            if (facts.min > here.next()) {
                if (auto turn = drop_copy("the log lacks what follows it"); turn != Turn::more) {
                    return turn;
                }
                break;
            }
            auto applied = copy_.apply(meta, facts, after);
            if (!applied) {
                if (applied.error().code == Errc::corrupt) {
                    raise_alarm(applied.error().message);
                    return Turn::idle;
                }
                return failed(applied.error(), "apply a file of the log");
            }
            break;
        }
        case Folded::Kind::nothing:
        case Folded::Kind::marker:
        case Folded::Kind::snapshot:
            break;
    }
    reader_.wrote(std::move(after));
    return Turn::more;
}

bool ReplicaReconciler::stopped(const Board& board, bool& flag) {
    if (!std::exchange(flag, true)) ++stop_wanted_;
    return board.backend.dead && board.backend.stopped_for == stop_wanted_;
}

bool ReplicaReconciler::drained(const Board& board) const {
    return board.role.phase == RoleView::Phase::draining && board.role.lease &&
           board.backend.dead && board.backend.drained == board.role.lease->epoch;
}

/// D4: the database here is of a tenure before the log's. Proven to be an ancestor, it becomes the
/// copy; else it is set aside, never deleted.
ReplicaReconciler::Turn ReplicaReconciler::leave_tenure(const Board& board) {
    if (!stopped(board, backend_must_stop_)) {
        message_ = "waiting for the backend to stop: its data is of an older tenure";
        return Turn::idle;
    }
    backend_must_stop_ = false;
    if (shipper_.attached()) shipper_.detach();
    const auto own = local_.tenure();
    if (own && !own_end_) {
        // The opened that ended this tenure was read by an earlier process: read it again.
        reader_.resume({});
        at_end_ = false;
        return Turn::more;
    }
    auto staged = local_.load_staged();
    if (!staged) return failed(staged.error(), "read staged files");
    const auto* newest = staged->empty() ? nullptr : &staged->back();
    bool ancestor = own && newest != nullptr && newest->txid == own_end_->first &&
                    (own_end_->second.empty() || newest->nuid == own_end_->second);
    if (ancestor) {
        auto settled = ports_.database.settle(newest->to);
        if (!settled && settled.error().code != Errc::conflict) {
            return failed(settled.error(), "settle the former database");
        }
        ancestor = settled.has_value();
    }
    const model::Position at{.tenure = own.value_or(model::Tenure{}),
                             .txid = newest != nullptr ? newest->txid : model::Txid{}};
    auto moved = ancestor ? local_.rejoin(at, own_end_->second) : local_.set_aside(at);
    if (!moved) return failed(moved.error(), "move the former database");
    if (ancestor) {
        ports_.events.info(
            "replica.rejoined",
            {{"tenure", std::to_string(at.tenure.value)}, {"txid", std::to_string(at.txid.value)}});
    } else {
        tell_set_aside(at);
    }
    data_ = false;
    own_end_.reset();
    copy_.load();
    reader_.resume({});
    at_end_ = false;
    return Turn::more;
}

void ReplicaReconciler::tell_set_aside(const model::Position& at) {
    ports_.events.warning(
        "replica.set_aside",
        {{"tenure", std::to_string(at.tenure.value)}, {"txid", std::to_string(at.txid.value)}});
    if (auto aside = local_.list_set_aside()) set_aside_ = std::move(*aside);
}

ReplicaReconciler::Turn ReplicaReconciler::mark() {
    const model::Marker marker{.epoch = epoch_, .node = settings_.node_id};
    auto meta = model::to_meta(marker);
    meta.nuid = ports_.store.new_nuid();  // object readers take a meta without one for damaged
    auto stored = ports_.store.publish_meta(meta, std::nullopt);
    if (!stored) return failed(stored.error(), "publish the marker");
    // Decided anew in every seal: the database that a first start made is there by the next one.
    seal_ = {.fence = *stored, .confirm = ++confirm_wanted_};
    enter(Phase::confirming);
    return Turn::idle;  // the role sees what is wanted
}

ReplicaReconciler::Turn ReplicaReconciler::confirm(const Board& board) {
    if (board.role.confirmed < seal_.confirm) return Turn::idle;
    enter(Phase::reading);
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::read_to_fence(const Board& board) {
    const auto turn = read_log(board, seal_.fence);
    if (turn != Turn::idle || !alarm_.empty()) return turn;
    const auto& log = reader_.state();
    if (log.sequence != seal_.fence) {
        enter(Phase::marking);  // the marker is gone: a store that went back. Seal again.
        return Turn::more;
    }
    if (log.marker != epoch_ || log.marker_node != settings_.node_id) {
        raise_ = log.marker;  // L6
        message_ = "the log has the marker of a later holder: the lease record went back in time";
        return Turn::idle;
    }
    enter(Phase::deciding);
    return Turn::more;
}

bool ReplicaReconciler::someone_has_data(const Board& board, std::string* who) const {
    for (const auto& peer : board.membership.peers) {
        if (!peer.status.has_database) continue;
        *who = peer.status.node_id;
        return true;
    }
    return false;
}

/// D10: this node's status has stood for a ttl, so that every other one could read it and say more.
bool ReplicaReconciler::everyone_had_time(const Board& board) const {
    const auto published = board.membership.published_since;
    return published != Instant{} && ports_.clock.now() >= published + settings_.ttl;
}

/// D2: all that is visible up to the fence is in the database at dataPath.
bool ReplicaReconciler::tail_is_here(const LogState& log) {
    if (shipper_.attached()) return shipper_.newest().txid >= log.visible();
    auto staged = local_.load_staged();
    if (!staged) return false;
    if (staged->empty()) {
        // It was promoted, and nothing ran on it since: the base record is made before that.
        return log.opened && log.opened->start == log.visible();
    }
    const auto found = std::find_if(staged->begin(), staged->end(), [&](const Staged& each) {
        return each.txid == log.visible() && (log.last != each.txid || each.nuid == log.last_nuid);
    });
    if (found == staged->end()) return log.visible().value == 0;
    if (local_.same_boot()) return true;
    // After a power cut the WAL must show the frame itself.
    auto attached = ports_.database.attach(found->to);
    ports_.database.detach();
    return attached && attached->continued;
}

ReplicaReconciler::Turn ReplicaReconciler::decide(const Board& board) {
    const auto& log = reader_.state();
    auto data = local_.data_exists();
    if (!data) return failed(data.error(), "look for the database");
    data_ = *data;
    const auto own = local_.tenure();
    const auto cannot = [this](std::string why) {
        cannot_promote_ = true;
        message_ = std::move(why);
        return Turn::idle;
    };
    std::string who;
    if (data_) {
        const bool current = log.opened ? own == log.opened->tenure : own.has_value();
        if (own &&
            ((log.opened && log.opened->tenure < *own) || (!log.opened && log.last.value != 0))) {
            raise_alarm("the log does not know the tenure " + std::to_string(own->value) +
                        " of the database here");
            return cannot(alarm_);
        }
        if (current && tail_is_here(log)) {
            seal_.tenure = *own;
            seal_.in_place = true;
        } else if (!own && !log.opened) {
            seal_.tenure = {epoch_.value};  // a database from before our time
            seal_.in_place = true;
        } else if (current) {
            // A power cut took what the log has: this data goes no further.
            if (!stopped(board, backend_must_stop_)) return Turn::idle;
            backend_must_stop_ = false;
            const model::Position at{.tenure = *own, .txid = data_txid_};
            auto moved = local_.set_aside(at);
            if (!moved) return failed(moved.error(), "set the database aside");
            tell_set_aside(at);
            data_ = false;
            return cannot("this node's database lacks what the log has");
        } else {
            const auto turn = leave_tenure(board);
            if (!data_) enter(Phase::reading);
            return turn;
        }
    } else if (copy_.whole()) {
        if (copy_.position().txid != log.visible()) {
            return cannot("the copy stands at TXID " + std::to_string(copy_.position().txid.value) +
                          ", the log ends at " + std::to_string(log.visible().value));
        }
        seal_.tenure = {epoch_.value};
    } else if (own && log.opened && log.opened->tenure == *own && log.visible().value == 0) {
        seal_.tenure = *own;  // the first start was cut off before the backend made its database
        seal_.first_start = true;
    } else if (log.has_data() || someone_has_data(board, &who)) {
        return cannot("this node has no whole copy of data that exists");  // C39
    } else {
        // D10: before opened too. It would make a database that another node has, and has not told
        // of yet, a stranger's.
        if (!everyone_had_time(board)) {
            message_ = "waiting until every node has said whether it has a database";
            if (board.role.phase == RoleView::Phase::draining && board.backend.dead) {
                swept_ = epoch_;
            }
            return Turn::idle;
        }
        seal_.tenure = {epoch_.value};
        seal_.first_start = true;
        // D10: before opened, so that a crash between creation and conversion resumes in place.
        if (auto kept = local_.set_tenure(seal_.tenure); !kept) {
            return failed(kept.error(), "record the tenure");
        }
    }
    enter(Phase::opened);
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::publish_opened(const Board& board) {
    if (ports_.clock.now() < board.role.promote_after) {
        message_ = "promotion is held for one wait: the lease record had gone back in time";
        return Turn::idle;
    }
    const auto& log = reader_.state();
    model::Opened opened{.epoch = epoch_, .tenure = seal_.tenure, .start = log.visible()};
    if (log.opened) opened.history = log.opened->history;
    if (opened.history.empty() || opened.history.back().first != seal_.tenure) {
        opened.history.emplace_back(seal_.tenure, opened.start);
    }
    if (opened.history.size() > history_limit) {
        opened.history.erase(opened.history.begin(), opened.history.end() - history_limit);
    }
    auto meta = model::to_meta(opened);
    meta.nuid = ports_.store.new_nuid();
    auto stored = ports_.store.publish_meta(meta, seal_.fence);
    if (!stored) {
        if (stored.error().code != Errc::unavailable) enter(Phase::marking);  // S6
        return failed(stored.error(), "publish opened");
    }
    auto after = log;
    const auto folded = fold(after, {.sequence = *stored, .meta = meta, .stored_at = {}});
    model::check(folded.kind == Folded::Kind::opened, "our own opened continues the log");
    reader_.wrote(std::move(after));
    enter(Phase::promoting);
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::promote(const Board& board) {
    if (seal_.first_start) {
        enter(Phase::creating);
        return Turn::more;
    }
    if (seal_.in_place) {
        if (local_.tenure() != seal_.tenure) {
            if (auto kept = local_.set_tenure(seal_.tenure); !kept) {
                return failed(kept.error(), "record the tenure");
            }
        }
    } else {
        if (!stopped(board, backend_must_stop_)) return Turn::idle;
        backend_must_stop_ = false;
        if (auto promoted = local_.promote(seal_.tenure); !promoted) {
            return failed(promoted.error(), "promote the copy");
        }
        copy_.load();
        data_ = true;
    }
    enter(Phase::attaching);
    return Turn::more;
}

/// D10: the backend makes its database; it is then stopped, and the database converted.
ReplicaReconciler::Turn ReplicaReconciler::create(const Board& board) {
    auto data = local_.data_exists();
    if (!data) return failed(data.error(), "look for the database");
    data_ = *data;
    if (!data_) {
        const bool waited = everyone_had_time(board);
        create_wanted_ = waited;
        message_ = waited ? "waiting for the backend to make its database"
                          : "waiting until every node has said whether it has a database";
        if (drained(board)) swept_ = epoch_;
        return Turn::idle;
    }
    if (!board.backend.dead && !board.backend.ready && !conversion_wanted_) {
        message_ = "waiting for the backend's health";
        return Turn::idle;
    }
    if (!stopped(board, conversion_wanted_)) {
        message_ = "waiting for the backend to stop, for the conversion to WAL mode";
        return Turn::idle;
    }
    create_wanted_ = false;
    enter(Phase::attaching);
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::attach(const Board& board) {
    const auto& log = reader_.state();
    if (shipper_.attached()) {
        if (auto resumed = shipper_.resume(epoch_, seal_.tenure, log); !resumed) {
            if (resumed.error().code == Errc::corrupt) raise_alarm(resumed.error().message);
            return failed(resumed.error(), "resume shipping");
        }
    } else {
        auto mode = ports_.database.mode();
        if (!mode) return failed(mode.error(), "look at the database");
        if (*mode != ports::Database::Mode::wal) {
            if (!stopped(board, conversion_wanted_)) {
                message_ = "waiting for the backend to stop, for the conversion to WAL mode";
                return Turn::idle;
            }
            if (auto converted = ports_.database.convert_to_wal(); !converted) {
                return failed(converted.error(), "convert the database to WAL mode");
            }
            ports_.events.info("database.converted", {{"path", settings_.paths.data}});
        }
        const bool foreign = seal_.in_place && log.visible().value != 0 &&
                             log.opened->history.size() == 1 &&
                             log.opened->start == log.visible() &&
                             log.snapshot_facts.epoch.value == 0 && log.last.value != 0;
        if (auto attached = shipper_.attach(epoch_, seal_.tenure, log, foreign); !attached) {
            if (attached.error().code == Errc::corrupt) raise_alarm(attached.error().message);
            return failed(attached.error(), "attach the database");
        }
    }
    if (!local_.same_boot()) {
        // From here on what is captured needs no sync to be believed by a later process of this
        // boot (D3): without it an adoption after a gap would take it for the leavings of a power
        // cut. A copy that a power cut may have torn is not vouched for.
        auto copy = local_.standing().copy;
        if (copy && !copy->clean) copy.reset();
        if (auto saved = local_.save(local_.standing().log, copy, true); !saved) {
            return failed(saved.error(), "record the boot");
        }
    }
    conversion_wanted_ = false;
    create_wanted_ = false;
    promoted_ = epoch_;
    ports_.events.info("replica.promoted",
                       {{"epoch", std::to_string(epoch_.value)},
                        {"tenure", std::to_string(seal_.tenure.value)},
                        {"txid", std::to_string(shipper_.newest().txid.value)},
                        {"inPlace", seal_.in_place ? "true" : "false"}});
    enter(Phase::shipping);
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::ship(const Board& board) {
    if (drained(board)) shipper_.begin_sweep();
    auto log = reader_.state();
    const auto outcome = shipper_.step(log);
    reader_.wrote(std::move(log));
    data_txid_ = shipper_.newest().txid;
    switch (outcome) {
        case Shipper::Outcome::more:
            return Turn::more;
        case Shipper::Outcome::idle:
            if (shipper_.swept()) swept_ = epoch_;
            return Turn::idle;
        case Shipper::Outcome::retry:
            return Turn::retry;
        case Shipper::Outcome::reseal:
            enter(Phase::marking);
            return Turn::more;
    }
    return Turn::idle;
}

model::Position ReplicaReconciler::own_position() const {
    if (data_) {
        return {.tenure = local_.tenure().value_or(model::Tenure{}),
                .txid = shipper_.attached() ? shipper_.acknowledged() : data_txid_};
    }
    return copy_.position();
}

/// Whether this node may be a candidate, and why not. D5, D10, C39.
void ReplicaReconciler::judge_fitness(const Board& board) {
    const auto& log = reader_.state();
    std::string who;
    unfit_because_.clear();
    if (phase_ == Phase::opening) {
        unfit_because_ = "the local records were not read yet";
    } else if (!alarm_.empty()) {
        unfit_because_ = alarm_;
    } else if (phase_ == Phase::following && !at_end_) {
        unfit_because_ = "the log was not read to its end yet";
    } else if (data_ && !local_.tenure() && log.opened) {
        unfit_because_ = "the database here is not the cluster's";
    } else if (data_ && !local_.tenure() && someone_has_data(board, &who)) {
        const auto& wish = board.membership.spec.switchover;
        if (!wish || wish->to != settings_.node_id) {
            unfit_because_ =
                "node " + who +
                " has a database too, and none was replicated yet: promote one of them";
        }
    } else if (data_) {
        const auto own = local_.tenure();
        if (own && log.opened && log.opened->tenure > *own) {
            unfit_because_ = "the database here is of an older tenure";
        }
    } else if (!copy_.whole()) {
        const bool resumes = local_.tenure() && log.opened && log.visible().value == 0 &&
                             log.opened->tenure == *local_.tenure();
        if (!resumes && log.has_data()) {
            unfit_because_ = "the copy is not complete";
        } else if (!resumes && someone_has_data(board, &who)) {
            unfit_because_ = "node " + who + " has the database, this node has no copy";
        }
    }
    fit_ = unfit_because_.empty();
}

ReplicaView ReplicaReconciler::view(const Board& board) {
    const auto& log = reader_.state();
    ReplicaView view;
    view.fit = fit_;
    view.unfit_because = unfit_because_;
    view.position = own_position();
    view.newest_epoch = std::max({log.marker,
                                  log.opened ? log.opened->epoch : model::Epoch{},
                                  model::Epoch{local_.tenure().value_or(model::Tenure{}).value},
                                  epoch_});
    view.log_read = at_end_;
    view.confirm_wanted = confirm_wanted_;
    view.raise = raise_;
    view.swept = swept_;
    view.cannot_promote = cannot_promote_;
    view.promoted = promoted_;
    view.backend_must_stop = backend_must_stop_;
    view.stop_wanted = stop_wanted_;
    view.create_wanted = create_wanted_;
    view.conversion_wanted = conversion_wanted_;
    view.sealed = phase_ >= Phase::promoting;
    view.alarm = alarm_;
    view.message = message_;
    view.has_database = data_ || copy_.exists();
    view.set_aside = set_aside_;
    view.wal_bytes_total = shipper_.wal_bytes_total();

    const auto now = ports_.clock.now();
    const bool shipping = phase_ == Phase::shipping;
    constexpr const char* names[] = {"opening",
                                     "following",
                                     "marking",
                                     "confirming",
                                     "reading",
                                     "deciding",
                                     "opening-tenure",
                                     "promoting",
                                     "creating",
                                     "attaching",
                                     "shipping"};
    view.state = names[static_cast<int>(phase_)];
    if (!alarm_.empty()) view.state = "alarm";
    if (copy_.downloading()) {
        view.state = "copying";
        view.message = "downloaded " + std::to_string(copy_.received()) + " of " +
                       std::to_string(copy_.total()) + " bytes";
    }
    if (shipping) {
        view.copy_complete = true;
        view.replicating = last_error_.empty() && alarm_.empty();
        const auto oldest = shipper_.oldest_unshipped();
        view.lag = model::Lag{.transactions = shipper_.unshipped(),
                              .bytes = shipper_.unshipped_bytes(),
                              .ms = oldest ? model::to_ms(now - *oldest) : 0};
        view.protected_ =
            log.snapshot && std::any_of(board.membership.peers.begin(),
                                        board.membership.peers.end(),
                                        [&](const Peer& peer) {
                                            return peer.fresh && peer.status.copy_complete &&
                                                   peer.status.alarm.empty() &&
                                                   peer.status.position.tenure == seal_.tenure;
                                        });
        return view;
    }
    const auto own = local_.tenure();
    view.copy_complete = data_ ? own && (!log.opened || log.opened->tenure <= *own) : copy_.whole();
    view.replicating = copy_.whole() && at_end_ && alarm_.empty();
    if (view.copy_complete) {
        // What the leader tells of itself is newer than what this node has read.
        std::uint64_t behind = 0;
        for (const auto& peer : board.membership.peers) {
            if (peer.status.node_id == board.role.leader && peer.fresh &&
                peer.status.position.txid > view.position.txid) {
                behind = peer.status.position.txid.value - view.position.txid.value;
            }
        }
        if (behind == 0 && at_end_) {
            behind_since_ = {};
        } else if (behind_since_ == Instant{}) {
            behind_since_ = now;
        }
        view.lag =
            model::Lag{.transactions = behind,
                       .bytes = 0,
                       .ms = behind_since_ == Instant{} ? 0 : model::to_ms(now - behind_since_)};
    }
    return view;
}

}  // namespace reconcilers::replica
