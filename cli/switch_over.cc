#include "cli/switch_over.h"

#include <utility>

#include "cli/watch.h"
#include "control/change.h"

namespace cli {
namespace {

using control::Switchover;
using model::Errc;

/// Why a node refused the request with this id; empty: none did.
std::optional<std::string> refusal(const ClusterView& view, const std::string& id) {
    for (const auto& row : view.nodes) {
        const auto& outcome = row.status.switchover;
        if (outcome && outcome->id == id && !outcome->done) {
            return row.status.node_id + " refused: " + outcome->reason;
        }
    }
    return std::nullopt;
}

/// Why the node does not serve yet: its first condition that is not true, in the order in which
/// they come true. "" nothing is known.
std::string waits_for(const ClusterView& view, const std::string& id) {
    using Type = model::ConditionType;
    const auto* row = view.node(id);
    if (row == nullptr) return {};
    const bool leads = view.leader() == id;
    for (const auto type : {Type::lease_held, Type::data_promoted, Type::backend_ready}) {
        const auto* condition = row->status.condition(type);
        if (condition == nullptr || condition->status) continue;
        if (type == Type::lease_held && leads) return {};  // it has not said so yet
        const auto& text = condition->message;
        if (type == Type::lease_held && text.empty()) return {};
        const std::string what = type == Type::backend_ready ? ", and its backend does not answer"
                                 : type == Type::data_promoted
                                     ? ", and its data is not promoted yet"
                                     : "";
        return (leads ? id + " has the lease" + what + "; the " : "the ") +
               std::string{to_text(type)} + " of " + id +
               " says: " + (text.empty() ? condition->reason : text);
    }
    return {};
}

std::string after_semicolon(const std::string& text) { return text.empty() ? "" : "; " + text; }

}  // namespace

SwitchOver::SwitchOver(Switchover request,
                       World& world,
                       const Lines& lines,
                       std::string success,
                       std::function<bool(const ClusterView&)> fulfilled,
                       control::Operation operation)
    : request_{std::move(request)},
      world_{world},
      lines_{lines},
      success_{std::move(success)},
      fulfilled_{std::move(fulfilled)},
      operation_{std::move(operation)} {}

int SwitchOver::run(const Command& command) {
    const auto ended =
        watch(command, world_, lines_, [this](const ClusterView& view) { return judge(view); });
    return ended ? *ended : give_up();
}

std::optional<int> SwitchOver::judge(const ClusterView& view) {
    const auto& pending = view.spec.switchover;
    if (fulfilled_(view)) {
        lines_.out(success_ + "\n");
        return exit_done;
    }
    // Away from a node: whoever has the lease now.
    const auto next = !request_.to.empty()             ? request_.to
                      : view.leader() != request_.from ? view.leader()
                                                       : std::string{};
    waiting_ = waits_for(view, next);
    if (view.leader() == next && !waiting_.empty() && waiting_ != reported_) {
        lines_.err("Waiting: " + waiting_ + "\n");
        reported_ = waiting_;
    }
    if (!pending_id_) return request(view);
    if (const auto reason = refusal(view, *pending_id_)) return not_reached(lines_, *reason);
    if (pending && pending->id != *pending_id_) {
        return not_reached(lines_, "another operator's request took the place of this one");
    }
    return std::nullopt;
}

std::optional<int> SwitchOver::request(const ClusterView& view) {
    const auto& pending = view.spec.switchover;
    const bool same = pending && control::same_request(*pending, request_);
    // Its lease has moved already, and its new leader removes it when it serves.
    if (!operation_ && pending && !same && control::handed_over(*pending, view.leader())) {
        if (!before_) lines_.err("Waiting for the end of the switchover before this one.\n");
        before_ = pending;
        return std::nullopt;
    }
    before_.reset();
    auto asked = control::change_spec(
        world_.cluster,
        [this](model::Spec spec) {
            return operation_ ? operation_(std::move(spec))
                              : control::request_switchover(std::move(spec), request_);
        },
        attempts(world_));
    // While the outcome is unknown the request may be stored: it is watched, and withdrawn at the
    // end.
    const bool doubt = !asked && asked.error().code == Errc::unknown_outcome;
    if (!asked && !doubt) return refused(lines_, asked.error());
    pending_id_ = doubt ? request_.id : asked->switchover->id;
    return std::nullopt;
}

int SwitchOver::give_up() {
    const auto over = why_over(world_);
    if (before_) {
        return not_reached(lines_,
                           over + "; another switchover is under way " +
                               control::direction(*before_) + " (request " + before_->id +
                               "); wait for it");
    }
    if (!pending_id_) return not_reached(lines_, over + "; nothing was requested");
    if (*pending_id_ != request_.id) {
        return not_reached(
            lines_,
            over + "; the request is another operator's and stands" + after_semicolon(waiting_));
    }
    const auto gone = control::change_spec(
        world_.cluster,
        [this](model::Spec spec) {
            return control::withdraw_switchover(std::move(spec), *pending_id_);
        },
        attempts(world_));
    return not_reached(
        lines_,
        over + "; " +
            (gone
                 ? std::string{"the request was withdrawn; a hand-over that had begun goes on"}
                 : "the request still stands, it could not be withdrawn: " + gone.error().message) +
            after_semicolon(waiting_));
}

}  // namespace cli
