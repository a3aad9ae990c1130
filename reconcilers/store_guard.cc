#include "reconcilers/store_guard.h"

#include <algorithm>
#include <utility>

namespace reconcilers {
namespace {

using model::StoreIdentity;
using model::StoreMatch;

/// How many refused connects it takes until the store counts as gone from every server, where each
/// has answered: with the pauses in between, some seconds.
constexpr int refusals_to_give_up = 6;

void append(std::string& text, const std::string& part) {
    text += (text.empty() ? "" : "; ") + part;
}

bool has_log(const StoreIdentity& there) { return there.log && !there.log->empty(); }

}  // namespace

std::string_view to_text(StoreUse use) {
    switch (use) {
        case StoreUse::role:
            return "role";
        case StoreUse::control:
            return "control";
        case StoreUse::log:
            return "log";
        case StoreUse::registry:
            return "registry";
    }
    return "?";
}

StoreGuard::StoreGuard(const std::vector<std::string>& servers, const std::string& remembered_log) {
    for (const auto& name : servers)
        servers_.push_back({.name = name});
    if (!remembered_log.empty()) known_.log = remembered_log;
}

void StoreGuard::Server::answered(const StoreIdentity& here) {
    tried = true;
    again = false;
    silent_because.clear();
    // While streams have no leader for a moment, an answer has less than earlier ones did.
    if (!found || (here.election && here.state && here.log)) found = here;
}

bool StoreGuard::differs(const StoreIdentity& identity) const {
    return compare(known_, identity) == StoreMatch::other;
}

StoreGuard::Answer StoreGuard::reached(StoreUse use,
                                       const std::string& server,
                                       const StoreIdentity& here,
                                       std::uint64_t round) {
    at(use).admitted = false;
    if (round != round_) {
        return {.verdict = Verdict::wait, .why = "the streams of " + server + " are read again"};
    }
    return judge(use, server, here);
}

StoreGuard::Answer StoreGuard::judge(StoreUse use,
                                     const std::string& server,
                                     const StoreIdentity& here) {
    auto& connection = at(use);
    note(server, here);
    if (!known_.any_stream()) {
        if (auto answer = choose(use, here)) return *answer;
    }
    switch (compare(known_, here)) {
        case StoreMatch::same:
            known_ = merge(known_, here);
            connection = {.admitted = true, .refused = 0, .met = {}, .there = {}};
            return {.verdict = Verdict::admitted, .why = {}};
        case StoreMatch::unknown:
            return {.verdict = Verdict::wait,
                    .why = server + " does not answer for the streams of this cluster"};
        case StoreMatch::other:
            break;
    }
    ++connection.refused;
    connection.met = server;
    connection.there = here;
    if (nowhere()) {
        // The store was recreated, or its servers were replaced. What this node has read is
        // compared with the new log as at each start (S9).
        known_ = {};
        connections_ = {};
        ++round_;
        ++given_up_;
        return judge(use, server, here);
    }
    // Check whether the other servers still have it: it may be gone under a connection that was
    // admitted.
    for (auto& each : servers_)
        each.again = each.again || each.name != server;
    return {.verdict = Verdict::leave,
            .why = server + " is another store than this node's: it has " + to_text(here) +
                   ", this node's " + to_text(known_)};
}

/// Decides while no store is known. Empty: one is known now.
std::optional<StoreGuard::Answer> StoreGuard::choose(StoreUse use, const StoreIdentity& here) {
    if (servers_.size() > 1) {
        const bool all_tried = std::all_of(
            servers_.begin(), servers_.end(), [](const auto& each) { return each.tried; });
        if (!all_tried) {
            return Answer{.verdict = Verdict::wait, .why = "nats.servers are being compared"};
        }
        // The first in the list, so that nodes with the same list choose the same store.
        const auto first = std::find_if(servers_.begin(), servers_.end(), [](const auto& each) {
            return each.found && each.found->any_stream();
        });
        if (first != servers_.end()) {
            use_store(StoreIdentity{*first->found});
            return {};
        }
    }
    if (here.any_stream()) {
        use_store(here);
        return {};
    }
    if (!here.surely_empty()) {
        return Answer{.verdict = Verdict::wait,
                      .why = "the server does not answer for the streams of this cluster"};
    }
    // One connection creates the first stream; the others are admitted where they find it.
    if (use != StoreUse::role) {
        return Answer{.verdict = Verdict::wait, .why = "the election bucket is not made yet"};
    }
    at(use) = {.admitted = true, .refused = 0, .met = {}, .there = {}};
    return Answer{.verdict = Verdict::admitted, .why = {}};
}

void StoreGuard::lost(StoreUse use) { at(use).admitted = false; }

void StoreGuard::note(const std::string& server, const StoreIdentity& here) {
    const auto found = std::find_if(
        servers_.begin(), servers_.end(), [&](const auto& each) { return each.name == server; });
    if (found != servers_.end()) {
        found->answered(here);
    } else if (differs(here)) {
        // The server's name is not in the list, perhaps an alias of one that is: ask all again.
        for (auto& each : servers_)
            each.found.reset();
    }
}

void StoreGuard::use_store(const StoreIdentity& identity) {
    known_ = identity;
    ++round_;
    // They were read before the store had its first stream.
    for (auto& each : servers_) {
        if (each.found && !each.found->any_stream()) each.found.reset();
    }
}

/// Every server has answered, and none has the store that this node knew.
bool StoreGuard::nowhere() const {
    const bool refused =
        std::any_of(connections_.begin(), connections_.end(), [](const auto& each) {
            return each.refused >= refusals_to_give_up;
        });
    return refused && std::all_of(servers_.begin(), servers_.end(), [this](const auto& each) {
               return !each.again && each.found && differs(*each.found);
           });
}

std::vector<std::size_t> StoreGuard::to_survey() const {
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
        const auto& [name, tried, found, silent_because, again] = servers_[i];
        const bool confirmed =
            found && (!known_.any_stream() || compare(known_, *found) == StoreMatch::same);
        // The connections themselves check a single server.
        if (again || (servers_.size() > 1 && !confirmed)) list.push_back(i);
    }
    return list;
}

void StoreGuard::surveyed(std::size_t server,
                          const model::Result<StoreIdentity>& found,
                          std::uint64_t round) {
    if (round != round_) return;  // outdated; it is asked again
    auto& each = servers_.at(server);
    if (found) {
        each.answered(*found);
    } else {
        each.tried = true;
        each.silent_because = found.error().message;
    }
}

ports::StoreView StoreGuard::view() const {
    ports::StoreView view{
        .identity = known_, .differs = {}, .other_log = false, .kept_out = {}, .unconfirmed = {}};
    const auto stranger = [&view](const std::string& server, const StoreIdentity& there) {
        append(view.differs, server + " is another store, with " + to_text(there));
        view.other_log = view.other_log || has_log(there);
    };
    for (const auto& each : servers_) {
        if (each.found && differs(*each.found)) {
            stranger(each.name, *each.found);
        } else if (servers_.size() > 1 && known_.any_stream() &&
                   (!each.found || compare(known_, *each.found) != StoreMatch::same)) {
            append(view.unconfirmed,
                   each.name + " has not shown that it is the same store" +
                       (each.silent_because.empty() ? "" : " (" + each.silent_because + ")"));
        }
    }
    for (const auto use : all_store_uses) {
        const auto& each = connections_[static_cast<std::size_t>(use)];
        if (each.met.empty()) continue;
        append(view.kept_out, std::string{to_text(use)} + " at " + each.met);
        const bool listed = std::any_of(servers_.begin(), servers_.end(), [&](const auto& server) {
            return server.name == each.met;
        });
        const bool named = view.differs.find(each.met + " is another") != std::string::npos;
        if (!listed && !named) stranger(each.met, each.there);
    }
    return view;
}

}  // namespace reconcilers
