#include "reconcilers/registry/plan.h"

#include <algorithm>
#include <chrono>

#include "reconcilers/freshness.h"

namespace reconcilers::registry {
namespace {

using model::ServiceEntry;
using model::ServiceHealth;
using State = ports::CheckOutcome::State;

struct Judged {
    ServiceHealth health = ServiceHealth::passing;
    std::string reason;
};

/// Empty: its check has not ended yet.
std::optional<Judged> judge(const Service& service,
                            const NodeState& node,
                            const Verdicts& verdicts) {
    if (service.bound_to_primary && !node.primary) {
        return Judged{ServiceHealth::standby, "this node is not the primary"};
    }
    if (service.bound_to_primary && !node.backend_ready) {
        return Judged{ServiceHealth::critical, "the backend does not answer"};
    }
    if (!service.check) return Judged{};
    const auto found = verdicts.find(service.name);
    if (found == verdicts.end()) return std::nullopt;
    const auto& [state, reason] = found->second;
    if (state == State::passing) return Judged{};
    return Judged{state == State::warning ? ServiceHealth::warning : ServiceHealth::critical,
                  reason};
}

}  // namespace

NodeState node_state(const Board& board, const std::string& node_id, model::Instant now) {
    const auto& role = board.role;
    const bool leads = role.holds() && role.lease && now < role.lease->fence_at();
    const auto& membership = board.membership;
    const auto& leaving = membership.spec.leave;
    const bool leaves = std::find(leaving.begin(), leaving.end(), node_id) != leaving.end();
    return {.primary = leads && board.replica.promoted == role.lease->epoch,
            .backend_ready = board.backend.ready && !board.backend.output.off,
            .leads = leads,
            .present = membership.claimed && !board.shutdown && !leaves};
}

bool wants_check(const Service& service, const NodeState& node) {
    if (!service.check) return false;
    return !service.bound_to_primary || (node.primary && node.backend_ready);
}

std::optional<ServiceEntry> desired_entry(const std::string& node_id,
                                          const Service& service,
                                          const NodeState& node,
                                          const Verdicts& verdicts) {
    auto judged = judge(service, node, verdicts);
    if (!judged) return std::nullopt;
    return ServiceEntry{.name = service.name,
                        .node_id = node_id,
                        .address = service.address,
                        .port = service.port,
                        .protocol = service.protocol,
                        .path = service.path,
                        .metadata = service.metadata,
                        .tags = service.tags,
                        .health = judged->health,
                        .registered_at = {},
                        .updated_at = {},
                        .health_reason = std::move(judged->reason),
                        .role = node.primary ? "PRIMARY" : "PASSIVE",
                        .internal = service.internal,
                        .schema = 1,
                        .unknown_fields = {}};
}

bool apply_changes(ports::ServiceChanges changes, Stored& stored, Unreadable& unreadable) {
    if (changes.whole) {
        stored.clear();
        unreadable.clear();
    }
    const auto older = [&stored](const std::string& key, model::Revision revision) {
        const auto found = stored.find(key);
        return found != stored.end() && revision < found->second.revision;
    };
    const bool any = changes.whole || !changes.written.empty() || !changes.erased.empty() ||
                     !changes.unreadable.empty();
    for (auto& [entry, revision] : changes.written) {
        const auto key = model::service_key(entry.name, entry.node_id);
        if (older(key, revision)) continue;
        unreadable.erase(key);
        stored[key] = {std::move(entry), revision};
    }
    for (const auto& [key, revision] : changes.erased) {
        if (older(key, revision)) continue;
        unreadable.erase(key);
        stored.erase(key);
    }
    for (auto& each : changes.unreadable) {
        if (older(each.key, each.revision)) continue;
        stored.erase(each.key);  // it stands in the place of what was there
        unreadable[each.key] = std::move(each);
    }
    return any;
}

std::vector<Action> plan_registry(const Desired& desired,
                                  const Stored& stored,
                                  const Silent& silent,
                                  model::WallTime wall) {
    std::vector<Action> actions;
    std::set<std::string> own;  // keys that stay
    if (desired.node.present) {
        for (const auto& service : desired.services) {
            const auto key = model::service_key(service.name, desired.node_id);
            own.insert(key);
            auto entry = desired_entry(desired.node_id, service, desired.node, desired.verdicts);
            if (!entry) continue;
            const auto found = stored.find(key);
            if (found != stored.end() && same_service(*entry, found->second.entry)) continue;
            entry->registered_at = found != stored.end() ? found->second.entry.registered_at : wall;
            entry->updated_at = wall;
            actions.push_back(Write{std::move(*entry)});
        }
    }
    for (const auto& [key, each] : stored) {
        const bool mine = each.entry.node_id == desired.node_id;
        const bool not_mine_any_more = mine && !own.contains(key);
        const bool left_behind = !mine && desired.node.leads && silent.contains(each.entry.node_id);
        if (not_mine_any_more || left_behind) actions.push_back(Erase{key, each.revision});
    }
    return actions;
}

std::vector<ServiceEntry> visible(const Stored& stored, const Silent& silent) {
    std::vector<ServiceEntry> entries;
    entries.reserve(stored.size());
    for (const auto& [key, each] : stored) {
        const auto found = silent.find(each.entry.node_id);
        entries.push_back(found == silent.end() ? each.entry : silenced(each.entry, found->second));
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
        return std::pair{a.name, a.node_id} < std::pair{b.name, b.node_id};
    });
    return entries;
}

void Presence::observe(const std::vector<std::string>& members,
                       const std::vector<Peer>& peers,
                       bool current,
                       model::Instant now) {
    if (!current) {
        // Changes may have been missed meanwhile: the count begins anew.
        known_ = false;
        silent_at_.clear();
        return;
    }
    known_ = true;
    members_ = {members.begin(), members.end()};
    std::map<std::string, model::Instant> next;
    for (const auto& peer : peers) {
        if (peer.fresh) continue;
        const auto& id = peer.status.node_id;
        const auto found = silent_at_.find(id);
        // It is not fresh after three of its heartbeats; this is the fourth.
        next[id] = found != silent_at_.end()
                       ? found->second
                       : now + heartbeat_of(peer.status.heartbeat_ms, heartbeat_);
    }
    silent_at_ = std::move(next);
}

Silent Presence::silent(const Stored& stored, const std::string& own_id, model::Instant now) const {
    Silent all;
    if (!known_) return all;
    for (const auto& [key, each] : stored) {
        const auto& id = each.entry.node_id;
        if (id == own_id || all.contains(id)) continue;
        const auto since = silent_at_.find(id);
        if (!members_.contains(id)) {
            all.emplace(id, "node " + id + " is no member");
        } else if (since != silent_at_.end() && now >= since->second) {
            all.emplace(id, "node " + id + " is silent");
        }
    }
    return all;
}

std::optional<model::Instant> Presence::next(model::Instant now) const {
    std::optional<model::Instant> first;
    for (const auto& [id, at] : silent_at_) {
        if (at > now && (!first || at < *first)) first = at;
    }
    return first;
}

}  // namespace reconcilers::registry
