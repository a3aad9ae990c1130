// Becoming primary: the seal, what it decides about the data here, promotion, and shipping from
// then on. Rules S4 to S6, D2, D3, D10 of docs/protocol.md.
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

/// D2: all that is visible up to the fence is in the database at dataPath. An error: not known yet.
model::Result<bool> ReplicaReconciler::tail_is_here(const LogState& log) {
    auto staged = local_.load_staged();
    if (!staged) return std::move(staged).error();
    const bool nothing_staged = staged->empty();
    // The first start of its tenure: a later opened of the same one (adoption, another seal) says
    // nothing about what this disk kept.
    const bool first = log.opened && !log.opened->history.empty() &&
                       log.opened->history.back().second == log.visible();
    if (nothing_staged && first) {
        return true;  // promoted, and nothing ran on it since: the base record is made before that
    }
    const auto found = std::find_if(staged->begin(), staged->end(), [&](const Staged& each) {
        return each.txid == log.visible() && (log.last != each.txid || same_capture(each, log));
    });
    const bool known = found != staged->end();
    if (shipper_.attached()) return known || shipper_.newest().txid >= log.visible();
    if (!known && log.visible().value == 0) return !nothing_staged;
    if (known && local_.same_boot()) return true;
    // A power cut may have taken what was not synced: the end of the WAL, and the staged files. The
    // log itself tells where its last TXID ended in the WAL of its author.
    auto end = known ? std::optional{found->to} : log.visible_end();
    if (!end) return false;
    const auto& settled = local_.settled();
    bool proven = settled && settled->tenure == local_.tenure() && settled->txid == log.visible() &&
                  settled->to == *end;
    if (!proven) {
        auto attached = ports_.database.attach(*end);
        ports_.database.detach();
        if (!attached && attached.error().code == Errc::unavailable) {
            return std::move(attached).error();
        }
        proven = attached && attached->continued;
    }
    if (proven && !known) {
        // Capture goes on from there, and what lies beyond is the next TXID (D3).
        const Staged base{
            .txid = log.visible(),
            .nuid = log.last == log.visible() ? log.last_nuid : ports_.store.new_nuid(),
            .to = *end,
            .ltx = {}};
        if (auto kept = local_.stage(base, true); !kept) return std::move(kept).error();
    }
    return proven;
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
        model::Result<bool> tail = false;
        if (current) tail = tail_is_here(log);
        if (!tail) return failed(tail.error(), "prove what the database here has");
        if (*tail) {
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
    if (log.sequence != reader_.state().sequence) {
        // The leader's memory of its own log (S9). It vouches for nothing, so no sync, and what is
        // not written now is written with the next file.
        (void)local_.save(log, local_.standing().copy, false);
    }
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

}  // namespace reconcilers::replica
