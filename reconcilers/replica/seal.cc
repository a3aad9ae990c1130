// Becoming primary: the seal, the decision about the data here, promotion, and shipping afterwards.
// Rules S4 to S6, D2, D3, D10 of docs/protocol.md.
#include <algorithm>
#include <utility>

#include "reconcilers/replica/replica.h"

namespace reconcilers::replica {
namespace {

using model::Errc;
using model::Instant;

constexpr std::size_t history_limit = 32;

}  // namespace

ReplicaReconciler::Turn ReplicaReconciler::mark() {
    const model::Marker marker{.epoch = epoch_, .node = settings_.node_id};
    auto meta = model::to_meta(marker);
    // readers of object stores take a meta without a nuid for damaged
    meta.nuid = ports_.store.new_nuid();
    auto stored = ports_.store.publish_meta(meta, std::nullopt);
    if (!stored) return failed(stored.error(), "publish the marker");
    ++seals_;
    // Everything is decided again in each seal: by then, a first start may have created a database.
    seal_ = {.marker_sequence = *stored, .confirm = ++confirm_wanted_};
    enter(Phase::confirming);
    return Turn::idle;  // the role sees `confirm` and renews
}

ReplicaReconciler::Turn ReplicaReconciler::confirm(const Board& board) {
    if (board.role.confirmed < seal_.confirm) return Turn::idle;
    enter(Phase::reading);
    return Turn::more;
}

ReplicaReconciler::Turn ReplicaReconciler::read_to_marker(const Board& board) {
    const auto turn = read_log(board, seal_.marker_sequence);
    if (turn != Turn::idle || !alarm_.empty()) return turn;
    const auto& log = reader_.state();
    if (log.sequence != seal_.marker_sequence) {
        enter(Phase::marking);  // the marker is gone, so the store lost messages: seal again
        return Turn::more;
    }
    if (log.marker != epoch_ || log.marker_node != settings_.node_id) raise_ = log.marker;
    if (raise_) {  // L6
        message_ = "the log has the marker of another holder: the lease record went back in time";
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

/// D10: this node's status has been published for a ttl, so that all others could read it and
/// object.
bool ReplicaReconciler::everyone_had_time(const Board& board) const {
    const auto published = board.membership.published_since;
    return published != Instant{} && ports_.clock.now() >= published + settings_.ttl;
}

/// D2: whether everything up to the marker is in the database at dataPath. Error: not known
/// yet.
model::Result<bool> ReplicaReconciler::tail_is_here(const LogState& log) {
    auto staged = local_.load_staged();
    if (!staged) return std::move(staged).error();
    const bool nothing_staged = staged->empty();
    // True for the first start of its tenure; a later opened record of the same tenure (adoption,
    // another seal) says nothing about what this disk kept.
    const bool first = log.opened && !log.opened->history.empty() &&
                       log.opened->history.back().second == log.visible();
    if (nothing_staged && first) {
        // promoted, and no backend has run on it: the base record would be staged before one
        // starts
        return true;
    }
    const auto found = std::find_if(staged->begin(), staged->end(), [&](const Staged& each) {
        return each.txid == log.visible() && (log.last != each.txid || same_capture(each, log));
    });
    const bool known = found != staged->end();
    if (shipper_.attached()) return known || shipper_.newest().txid >= log.visible();
    if (!known && log.visible().value == 0) return !nothing_staged;
    if (known && local_.same_boot()) return true;
    // A power cut may have lost unsynced data: the end of the WAL, and staged files. The log has
    // the place where its last TXID ended in the WAL of its author.
    auto end = known ? std::optional{found->to} : log.visible_end();
    if (!end) return false;
    const auto& checkpoint = local_.checkpoint();
    bool proven = checkpoint && checkpoint->tenure == local_.tenure() &&
                  checkpoint->txid == log.visible() && checkpoint->to == *end;
    if (!proven) {
        auto attached = ports_.database.attach(*end);
        ports_.database.detach();
        if (!attached && attached.error().code == Errc::unavailable) {
            return std::move(attached).error();
        }
        proven = attached && attached->continued;
    }
    if (proven && !known) {
        // Capture continues from there; commits after it are the next TXID (D3).
        const Staged base{
            .txid = log.visible(),
            .nuid = log.last == log.visible() ? log.last_nuid : ports_.store.new_nuid(),
            .to = *end,
            .ltx = {}};
        if (auto kept = local_.stage(base, true); !kept) return std::move(kept).error();
    }
    return proven;
}

/// S10: the database here is of a tenure above all that the log shows. Raises the alarm.
bool ReplicaReconciler::log_lacks_tenure() {
    const auto& log = reader_.state();
    const auto own = local_.tenure();
    const bool known = log.opened ? !own || log.opened->tenure >= *own : log.last.value == 0;
    if (!own || known) return false;
    raise_alarm("the log does not know the tenure " + std::to_string(own->value) +
                " of the database here");
    return true;
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
        if (log_lacks_tenure()) return cannot(alarm_);
        model::Result<bool> tail = false;
        if (current) tail = tail_is_here(log);
        if (!tail) return failed(tail.error(), "prove what the database here has");
        if (*tail) {
            seal_.tenure = *own;
            seal_.in_place = true;
        } else if (!own && !log.opened) {
            seal_.tenure = {epoch_.value};  // a database that existed before the cluster
            seal_.in_place = true;
        } else if (current) {
            // A power cut lost commits that the log has: this database cannot be continued.
            if (!stopped(board, backend_must_stop_)) return Turn::idle;
            backend_must_stop_ = false;
            const model::Position at{.tenure = *own, .txid = data_txid_};
            auto moved = local_.set_aside(at);
            if (!moved) return failed(moved.error(), "set the database aside");
            report_set_aside(at);
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
        // a first start that was interrupted before the backend created its database
        seal_.tenure = *own;
        seal_.first_start = true;
    } else if (log.has_data() || someone_has_data(board, &who)) {
        return cannot("this node has no whole copy of data that exists");  // C39
    } else {
        // D10: before opened, too. Otherwise a database that another node has, but has not yet
        // published, would become foreign data.
        if (!everyone_had_time(board)) {
            message_ = "waiting until every node has said whether it has a database";
            return Turn::idle;
        }
        seal_.tenure = {epoch_.value};
        seal_.first_start = true;
        // D10: recorded before opened, so that a crash between creation and conversion continues in
        // place.
        if (auto kept = local_.set_tenure(seal_.tenure); !kept) {
            return failed(kept.error(), "record the tenure");
        }
    }
    enter(Phase::opening_tenure);
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
    auto stored = ports_.store.publish_meta(meta, seal_.marker_sequence);
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

/// D10: the backend creates its database; then it is stopped, and the database is converted.
ReplicaReconciler::Turn ReplicaReconciler::create(const Board& board) {
    auto data = local_.data_exists();
    if (!data) return failed(data.error(), "look for the database");
    data_ = *data;
    if (!data_) {
        const bool waited = everyone_had_time(board);
        create_wanted_ = waited;
        message_ = waited ? "waiting for the backend to make its database"
                          : "waiting until every node has said whether it has a database";
        if (drained(board)) flushed_ = *board.role.step_down();
        return Turn::idle;
    }
    if (!board.backend.output.off && !board.backend.ready && !conversion_wanted_) {
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
        // From here on, captured files count for later processes of this boot even without a sync
        // (D3); otherwise an adoption after a gap would treat them as remains of a power cut. A
        // copy that a power cut may have torn is left out of the record.
        // cut. A copy that a power cut may have torn is not vouched for.
        auto copy = local_.progress().copy;
        if (copy && !copy->clean) copy.reset();
        if (auto saved = local_.save(local_.progress().log, copy, true); !saved) {
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
    // S9: what the store had acknowledged may be lost, and its sequence taken by another message.
    if (!reader_.verified()) {
        auto behind = reader_.verify();
        if (!behind) return failed(behind.error(), "look at the log");
        if (!behind->empty()) {
            raise_alarm("the store is behind this node's memory: " + *behind);
            return Turn::idle;
        }
    }
    shipper_.flush(drained(board));
    auto log = reader_.state();
    const auto outcome = shipper_.step(log);
    if (log.sequence != reader_.state().sequence) {
        // The leader's own position in the log (S9). Nothing depends on it, so it is not synced; if
        // this write fails, the next file's write replaces it.
        (void)local_.save(log, local_.progress().copy, false);
    }
    reader_.wrote(std::move(log));
    data_txid_ = shipper_.newest().txid;
    switch (outcome) {
        case Shipper::Outcome::more:
            return Turn::more;
        case Shipper::Outcome::idle:
            if (shipper_.flushed() && drained(board)) flushed_ = *board.role.step_down();
            return Turn::idle;
        case Shipper::Outcome::retry:
            return Turn::retry;
        case Shipper::Outcome::reseal:
            enter(Phase::marking);
            return Turn::more;
    }
    return Turn::idle;
}

}  // namespace reconcilers::replica
