#include "reconcilers/replica/replica.h"

#include <algorithm>
#include <utility>

namespace reconcilers::replica {
namespace {

using model::Errc;
using model::Instant;
using std::chrono::milliseconds;

constexpr milliseconds pass_budget{50};  // then step() returns, to get a new view of the lease
// Fallback intervals; hints wake earlier. Checking the WAL makes no request.
constexpr milliseconds follow_interval{1000};
constexpr milliseconds ship_interval{250};
constexpr milliseconds retry_interval{250};
constexpr milliseconds write_lock_budget{20};
constexpr milliseconds longest_copy_pause{30'000};

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
    // Work that does not fit the budget continues in the next pass, with a new board.
    while (turn == Turn::more) {
        turn = this->turn(board);
        if (turn != Turn::retry) {
            if (message_ == outage_.reason()) message_.clear();
            failing_in_.clear();
            failure_.clear();
        }
        if (ports_.clock.now() - begun >= pass_budget) break;
    }
    if (turn != Turn::retry && outage_.succeeded()) ports_.events.info("replica.continued");
    count_progress();
    judge_fitness(board);
    const auto now = ports_.clock.now();
    auto wake_at = now;
    if (turn == Turn::idle) {
        wake_at += phase_ == Phase::shipping || lease_lost_ ? ship_interval : follow_interval;
        if (phase_ == Phase::shipping && shipper_.capture_at()) {
            wake_at = std::min(wake_at, *shipper_.capture_at());
        }
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
    if (lease_lost_) return follow(board);  // data of the last tenure is dealt with first
    if (phase_ == Phase::following || epoch_ != role.lease->epoch) begin_seal(board);
    if (role.phase != RoleView::Phase::draining) flushed_ = {};
    if (drained(board) && !data_ && phase_ < Phase::promoting) {
        flushed_ = *role.step_down();  // only a copy, or no data: there is nothing to ship
        return Turn::idle;
    }
    switch (phase_) {
        case Phase::marking:
            return mark();
        case Phase::confirming:
            return confirm(board);
        case Phase::reading:
            return read_to_marker(board);
        case Phase::deciding:
            return decide(board);
        case Phase::opening_tenure:
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
    failing_in_ = during;
    failure_ = error.message;
    if (outage_.failed(message_)) {
        ports_.events.warning("replica.delayed",
                              {{"during", std::string{during}}, {"error", error.message}});
    }
    return Turn::retry;
}

void ReplicaReconciler::count_progress() {
    Achieved next{.phase = std::max(achieved_.phase, static_cast<int>(phase_)),
                  .read = reader_.state().sequence,
                  .txid = own_position().txid,
                  .received = copy_.received(),
                  .shipped = shipper_.wal_bytes_total()};
    // After another marker in the same epoch, what is read is only that marker: not progress.
    if (seals_ > 1) next.read = achieved_.read;
    if (next == achieved_) return;
    achieved_ = next;
    ++progress_;
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
    // First of all, what this node has read is compared with the store (S9). A copy continues from
    // there; a database is judged by the whole log (D4).
    reader_.resume(local_.progress().log);
    read_anew_ = data_ || !copy_.exists();
    enter(Phase::following);
    return Turn::more;
}

void ReplicaReconciler::begin_seal(const Board& board) {
    epoch_ = board.role.lease->epoch;
    seal_ = {};
    seals_ = 0;
    achieved_.phase = 0;
    unwritten_ = false;
    raise_.reset();
    cannot_promote_ = false;
    flushed_ = {};
    if (shipper_.attached()) shipper_.suspend();
    ports_.events.info("log.seal_started", {{"epoch", std::to_string(epoch_.value)}});
    enter(Phase::marking);
}

void ReplicaReconciler::lose_lease(const Board& board) {
    (void)board;
    ports_.events.info("replica.demoted", {{"epoch", std::to_string(epoch_.value)}});
    shipper_.suspend();
    lease_lost_ = shipper_.attached();
    promoted_ = {};
    flushed_ = {};
    raise_.reset();
    cannot_promote_ = false;
    backend_must_stop_ = false;
    create_wanted_ = false;
    conversion_wanted_ = false;
    at_end_ = false;
    enter(Phase::following);
}

ReplicaReconciler::Turn ReplicaReconciler::follow(const Board& board) {
    if (lease_lost_) {
        if (!board.backend.output.off) {
            // W2: courtesy while the backend is still alive; the kill is the fence.
            if (!ports_.database.writers_locked())
                (void)ports_.database.lock_writers(write_lock_budget);
            return Turn::idle;
        }
        data_txid_ = shipper_.newest().txid;
        const auto beyond = ports_.database.capture(shipper_.newest().to, 1);
        unwritten_ = shipper_.newest().to == model::WalPosition{} && beyond && beyond->empty();
        shipper_.detach();
        lease_lost_ = false;
    }
    auto data = local_.data_exists();
    if (!data) return failed(data.error(), "look for the database");
    data_ = *data;
    if (!alarm_.empty() || ports_.clock.now() < copy_after_) return Turn::idle;
    if (copy_.downloading()) {
        auto done = copy_.download();
        if (!done) {
            if (done.error().code == Errc::corrupt) {
                raise_alarm(done.error().message);
                return Turn::idle;
            }
            if (done.error().code == Errc::not_found) copy_.forget();
            if (!copy_.downloading()) put_off_copy();  // the download has to begin again
            return failed(done.error(), "download a snapshot");
        }
        if (!*done) return Turn::more;
        copy_pause_ = {};
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
        (void)log_lacks_tenure();
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

/// Reads to the end of the log, or up to `until`. idle: reached, or the alarm was raised.
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
        if (std::exchange(read_anew_, false)) {
            reader_.resume({});
            return Turn::more;
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

void ReplicaReconciler::put_off_copy() {
    copy_pause_ = std::clamp<model::Duration>(copy_pause_ * 2, retry_interval, longest_copy_pause);
    copy_after_ = ports_.clock.now() + copy_pause_;
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
                own_end_ = {before.visible(), before.last_nuid, before.visible_end()};
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
                if (phase_ == Phase::following && !copy_.whole()) put_off_copy();
                return failed(applied.error(), "apply a file of the log");
            }
            copy_pause_ = {};
            break;
        }
        case Folded::Kind::marker: {
            // L6: mine, behind one of the same epoch that is not mine.
            const auto& marker = folded.entry.marker;
            if (phase_ == Phase::reading && marker.epoch == epoch_ && before.marker == epoch_ &&
                marker.node == settings_.node_id && before.marker_node != settings_.node_id) {
                raise_ = epoch_;
            }
            break;
        }
        case Folded::Kind::nothing:
        case Folded::Kind::snapshot:
            break;
    }
    reader_.wrote(std::move(after));
    return Turn::more;
}

bool ReplicaReconciler::stopped(const Board& board, bool& flag) {
    if (!std::exchange(flag, true)) ++stop_wanted_;
    return board.backend.output.off && board.backend.stopped_for == stop_wanted_;
}

bool ReplicaReconciler::drained(const Board& board) const {
    const auto step_down = board.role.step_down();
    return step_down && board.backend.output.off && board.backend.drained == *step_down;
}

/// D4: the database here is of a tenure older than the log's. If it is proven an ancestor, it
/// becomes the copy; else it is set aside, never deleted.
ReplicaReconciler::Turn ReplicaReconciler::leave_tenure(const Board& board) {
    if (!stopped(board, backend_must_stop_)) {
        message_ = "waiting for the backend to stop: its data is of an older tenure";
        return Turn::idle;
    }
    backend_must_stop_ = false;
    message_.clear();
    if (shipper_.attached()) shipper_.detach();
    const auto own = local_.tenure();
    if (own && !own_end_) {
        // The opened record that ended this tenure was read by an earlier process: read the log
        // again.
        reader_.resume({});
        at_end_ = false;
        return Turn::more;
    }
    auto staged = local_.load_staged();
    if (!staged) return failed(staged.error(), "read staged files");
    const auto* newest = staged->empty() ? nullptr : &staged->back();
    // Where the last TXID of this tenure ends in the WAL here: as staged or, where a power cut lost
    // the staged file, as the log has it. Captured data beyond it is not in the log.
    std::optional<model::WalPosition> end;
    if (own && (newest == nullptr || newest->txid <= own_end_->txid)) {
        end = own_end_->at;
        if (newest != nullptr && newest->txid == own_end_->txid &&
            (own_end_->nuid.empty() || newest->nuid == own_end_->nuid)) {
            end = newest->to;
        }
    }
    bool ancestor = end.has_value() && (*end != model::WalPosition{} || unwritten_);
    if (ancestor) {
        auto folded = ports_.database.checkpoint_and_close(*end);
        if (!folded && folded.error().code == Errc::unavailable) {
            return failed(folded.error(), "fold the WAL of the former database");
        }
        ancestor = folded.has_value();
    }
    const model::Position at{.tenure = own.value_or(model::Tenure{}),
                             .txid = ancestor            ? own_end_->txid
                                     : newest != nullptr ? newest->txid
                                                         : model::Txid{}};
    auto moved = ancestor ? local_.rejoin(at, own_end_->nuid) : local_.set_aside(at);
    if (!moved) return failed(moved.error(), "move the former database");
    if (ancestor) {
        ports_.events.info(
            "replica.rejoined",
            {{"tenure", std::to_string(at.tenure.value)}, {"txid", std::to_string(at.txid.value)}});
    } else {
        report_set_aside(at);
    }
    data_ = false;
    own_end_.reset();
    copy_.load();
    reader_.resume({});
    at_end_ = false;
    return Turn::more;
}

void ReplicaReconciler::report_set_aside(const model::Position& at) {
    ports_.events.warning(
        "replica.set_aside",
        {{"tenure", std::to_string(at.tenure.value)}, {"txid", std::to_string(at.txid.value)}});
    if (auto aside = local_.list_set_aside()) set_aside_ = std::move(*aside);
}

}  // namespace reconcilers::replica
