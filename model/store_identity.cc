#include "model/store_identity.h"

#include <array>
#include <string_view>
#include <utility>

namespace model {
namespace {

using Stream = std::optional<std::string>;

std::array<const Stream*, 3> streams(const StoreIdentity& identity) {
    return {&identity.election, &identity.state, &identity.log};
}

bool exists(const Stream& stream) { return stream && !stream->empty(); }

std::string describe(std::string_view name, const Stream& stream) {
    const std::string text{name};
    if (!stream) return text + " not known";
    return stream->empty() ? "no " + text : text + " of " + *stream;
}

}  // namespace

bool StoreIdentity::any_stream() const { return exists(election) || exists(state) || exists(log); }

bool StoreIdentity::every_stream() const {
    return exists(election) && exists(state) && exists(log);
}

bool StoreIdentity::surely_empty() const { return election && state && log && !any_stream(); }

StoreMatch compare(const StoreIdentity& known, const StoreIdentity& here) {
    const auto ours = streams(known);
    const auto theirs = streams(here);
    bool compared = false;
    bool unanswered = false;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        if (!exists(*ours[i])) continue;
        if (*ours[i] == *theirs[i]) return StoreMatch::same;
        compared = true;
        unanswered = unanswered || !*theirs[i];
    }
    return compared && !unanswered ? StoreMatch::other : StoreMatch::unknown;
}

StoreIdentity merge(StoreIdentity before, const StoreIdentity& now) {
    if (now.election) before.election = now.election;
    if (now.state) before.state = now.state;
    if (now.log) before.log = now.log;
    return before;
}

std::string to_text(const StoreIdentity& identity) {
    if (identity.surely_empty()) return "no stream of this cluster";
    return describe("election", identity.election) + ", " + describe("state", identity.state) +
           ", " + describe("log", identity.log);
}

}  // namespace model
