#include "control/operations.h"

#include <algorithm>
#include <utility>

#include "model/names.h"

namespace control {
namespace {

using model::Errc;
using model::error;
using model::Result;
using model::Spec;

bool contains(const std::vector<std::string>& list, const std::string& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

/// Why no node could ever fulfil this request; "" where one could.
std::string senseless(const Switchover& request) {
    if (request.id.empty()) return "a request for a switchover needs an id";
    if (request.to.empty() && request.from.empty()) {
        return "a switchover needs the node that shall lead, or the one that shall not";
    }
    if (request.to == request.from) return "a switchover from " + request.to + " to itself";
    for (const auto& node : {request.to, request.from}) {
        const auto why = node.empty() ? std::string{} : model::why_no_node_id(node);
        if (!why.empty()) return "\"" + node + "\" is no node id: " + why;
    }
    return {};
}

model::Error no_member(const std::string& node) {
    return error(Errc::not_found, "no node \"" + node + "\" is a member of this cluster");
}

}  // namespace

bool same_request(const Switchover& a, const Switchover& b) {
    return a.to == b.to && a.from == b.from && a.force == b.force;
}

Result<Spec> request_switchover(Spec spec, const Switchover& request) {
    if (auto why = senseless(request); !why.empty()) return error(Errc::invalid, std::move(why));
    if (spec.switchover && spec.switchover->id == request.id) return spec;
    if (spec.paused) return error(Errc::conflict, "the cluster is paused; resume it first");
    if (contains(spec.leave, request.to)) {
        return error(Errc::conflict,
                     request.to + " was asked to leave the cluster; let it join again first");
    }
    if (spec.switchover) {
        const auto& other = *spec.switchover;
        if (same_request(other, request)) return spec;
        return error(Errc::conflict,
                     "another switchover is under way " + direction(other) + " (request " +
                         other.id + "); wait for it");
    }
    spec.switchover = request;
    return spec;
}

Result<Spec> force_failover(Spec spec, const Switchover& request, const Seen& seen) {
    if (auto why = senseless(request); !why.empty()) return error(Errc::invalid, std::move(why));
    if (request.to.empty() || !request.force) {
        return error(Errc::invalid, "a failover is forced, and names the node that shall lead");
    }
    if (spec.switchover == request) return spec;
    if (!contains(seen.members, request.to)) return no_member(request.to);
    if (seen.leader != request.to && contains(seen.answering, seen.leader)) {
        return error(Errc::conflict,
                     seen.leader +
                         " leads, and its daemon answers; a planned switchover "
                         "(promote) loses nothing");
    }
    spec.switchover.reset();
    return request_switchover(std::move(spec), request);
}

Result<Spec> withdraw_switchover(Spec spec, std::string_view id) {
    if (spec.switchover && spec.switchover->id == id) spec.switchover.reset();
    return spec;
}

Result<Spec> leave(Spec spec, const std::string& node, const Seen& seen) {
    if (contains(spec.leave, node)) return spec;
    if (!contains(seen.members, node)) return no_member(node);
    if (spec.paused && seen.leader == node) {
        return error(Errc::conflict,
                     node +
                         " leads, and nobody takes over while the cluster is paused; resume it "
                         "first");
    }
    spec.leave.push_back(node);
    return spec;
}

Result<Spec> join(Spec spec, const std::string& node) {
    std::erase(spec.leave, node);
    return spec;
}

Result<Spec> remove(Spec spec, const std::string& node, const Seen& seen) {
    if (!contains(seen.members, node)) {
        if (contains(spec.leave, node)) return spec;
        return no_member(node);
    }
    if (seen.leader == node) {
        return error(Errc::conflict,
                     node + " leads, by the record; another node has to take over first");
    }
    if (contains(seen.answering, node)) {
        return error(Errc::conflict, "the daemon of " + node + " answers; it can leave by itself");
    }
    if (!contains(spec.leave, node)) spec.leave.push_back(node);
    return spec;
}

Result<Spec> pause(Spec spec) {
    if (spec.paused) return spec;
    if (spec.switchover) {
        return error(Errc::conflict,
                     "a switchover is under way " + direction(*spec.switchover) + " (request " +
                         spec.switchover->id + "); wait for it, or withdraw it");
    }
    spec.paused = true;
    return spec;
}

Result<Spec> resume(Spec spec) {
    spec.paused = false;
    return spec;
}

bool handed_over(const Switchover& request, const std::string& leader) {
    if (!request.to.empty()) return leader == request.to;
    return leader != request.from;
}

std::string direction(const Switchover& request) {
    if (request.to.empty()) return "away from " + request.from;
    if (request.from.empty()) return "to " + request.to;
    return "from " + request.from + " to " + request.to;
}

}  // namespace control
