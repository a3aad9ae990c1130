#include "reconcilers/store_choice.h"

#include <algorithm>

namespace reconcilers {
namespace {

using model::StoreIdentity;
using model::StoreMatch;
using Verdict = StoreChoice::Verdict;

/// "a:1 has election of ..., no state; b:2 does not answer (connection refused)".
std::string describe(const std::vector<ServerAnswer>& servers) {
    std::string text;
    for (const auto& [name, found] : servers) {
        text += (text.empty() ? "" : "; ") + name +
                (found ? " has " + to_text(*found)
                       : " does not answer (" + found.error().message + ")");
    }
    return text;
}

/// Those that are the store of `identity`, which learns from them, and those that may be.
StoreChoice use(const std::vector<ServerAnswer>& servers, StoreIdentity identity) {
    StoreChoice choice{.verdict = Verdict::use, .servers = {}, .identity = {}, .why = {}};
    std::vector<std::size_t> perhaps;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const auto& found = servers[i].found;
        const auto match = found ? compare(identity, *found) : StoreMatch::unknown;
        if (match == StoreMatch::same) {
            identity = merge(identity, *found);
            choice.servers.push_back(i);
        } else if (match == StoreMatch::unknown) {
            perhaps.push_back(i);
        }
    }
    choice.servers.insert(choice.servers.end(), perhaps.begin(), perhaps.end());
    choice.identity = std::move(identity);
    return choice;
}

bool any_is(const std::vector<ServerAnswer>& servers,
            const StoreIdentity& identity,
            StoreMatch match) {
    return std::any_of(servers.begin(), servers.end(), [&](const ServerAnswer& each) {
        return (each.found ? compare(identity, *each.found) : StoreMatch::unknown) == match;
    });
}

}  // namespace

StoreChoice choose_store(const std::vector<ServerAnswer>& servers,
                         const std::string& remembered_log) {
    const auto refuse = [&servers](const std::string& what) {
        return StoreChoice{.verdict = Verdict::refuse,
                           .servers = {},
                           .identity = {},
                           .why = what + ": " + describe(servers) +
                                  ". Name the servers of one store alone with --nats"};
    };
    const bool any_answers = std::any_of(
        servers.begin(), servers.end(), [](const auto& each) { return each.found.has_value(); });
    if (!any_answers) return {.verdict = Verdict::silent, .why = describe(servers)};
    if (!remembered_log.empty()) {
        const StoreIdentity known{.election = {}, .state = {}, .log = remembered_log};
        if (any_is(servers, known, StoreMatch::same)) return use(servers, known);
        // It may be the one that does not answer.
        if (any_is(servers, known, StoreMatch::unknown))
            return refuse("no server that answers is the store that this node has read");
    }
    const auto first = std::find_if(servers.begin(), servers.end(), [](const auto& each) {
        return each.found && each.found->any_stream();
    });
    if (first == servers.end()) return use(servers, {});
    auto choice = use(servers, *first->found);
    // By all that its servers know of it: two of them may each say something else of it.
    if (any_is(servers, choice.identity, StoreMatch::other))
        return refuse(
            "nats.servers are not one store, and nothing here tells which is the cluster's");
    return choice;
}

}  // namespace reconcilers
