// What the replica publishes on the board: whether this node is fit to lead, and where its data is.
// Rules D5, D10 of docs/protocol.md.
#include <algorithm>
#include <utility>

#include "reconcilers/replica/replica.h"

namespace reconcilers::replica {
namespace {

using model::Instant;

constexpr std::string_view not_at_end = "the log was not read to its end yet";

}  // namespace

model::Position ReplicaReconciler::own_position() const {
    if (data_) {
        return {.tenure = local_.tenure().value_or(model::Tenure{}),
                .txid = shipper_.attached() ? shipper_.acknowledged() : data_txid_};
    }
    return copy_.position();
}

/// Decides whether this node may be a candidate, and why not. D5, D10, C39.
void ReplicaReconciler::judge_fitness(const Board& board) {
    const auto& log = reader_.state();
    std::string who;
    unfit_because_.clear();
    if (phase_ == Phase::opening) {
        unfit_because_ = "the local records were not read yet";
    } else if (!alarm_.empty()) {
        unfit_because_ = alarm_;
    } else if (phase_ == Phase::following && !at_end_) {
        unfit_because_ = not_at_end;
    } else if (data_ && !local_.tenure() && log.opened) {
        unfit_because_ = "the database here is not the cluster's";
    } else if (data_ && !local_.tenure() && someone_has_data(board, &who)) {
        const auto& request = board.membership.spec.switchover;
        if (!request || request->to != settings_.node_id) {
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
    view.catching_up = unfit_because_ == not_at_end;
    view.position = own_position();
    view.newest_epoch = std::max({log.marker,
                                  log.opened ? log.opened->epoch : model::Epoch{},
                                  model::Epoch{local_.tenure().value_or(model::Tenure{}).value},
                                  epoch_});
    view.log_read = at_end_;
    const auto& known = local_.progress().log;
    if (known.sequence.value != 0) view.log_created = known.stream_created;
    view.confirm_wanted = confirm_wanted_;
    view.raise = raise_;
    view.flushed = flushed_;
    view.progress = progress_;
    view.failing_in = failing_in_;
    view.failure = failure_;
    view.may_have_unshipped = data_;
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
        view.replicating = !outage_.ongoing() && alarm_.empty();
        const auto oldest = shipper_.oldest_unshipped();
        view.lag = model::Lag{.transactions = shipper_.unshipped(),
                              .bytes = shipper_.unshipped_bytes(),
                              .ms = oldest ? model::to_ms(now - *oldest) : 0};
        view.has_standby =
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
    // An end that can no longer be checked is no end.
    const bool reads = !outage_.ongoing();
    view.replicating = copy_.whole() && at_end_ && reads && alarm_.empty();
    if (view.copy_complete) {
        // The leader's own status is newer than what this node has read of the log.
        std::uint64_t behind = 0;
        for (const auto& peer : board.membership.peers) {
            if (peer.status.node_id == board.role.leader && peer.fresh &&
                peer.status.position.txid > view.position.txid) {
                behind = peer.status.position.txid.value - view.position.txid.value;
            }
        }
        if (behind == 0 && at_end_ && reads) {
            behind_since_ = {};
        } else if (behind_since_ == Instant{}) {
            behind_since_ = now;
        }
        if (behind == 0 && !reads) return view;  // not known: it is not nothing
        view.lag =
            model::Lag{.transactions = behind,
                       .bytes = 0,
                       .ms = behind_since_ == Instant{} ? 0 : model::to_ms(now - behind_since_)};
    }
    return view;
}

}  // namespace reconcilers::replica
