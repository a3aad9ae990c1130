// What an earlier warden left of a backend. It does not descend from this warden: its main process
// is found by pid and start time, the others by the cgroup, or by a token in their environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "warden/core.h"
#include "warden/life.h"

namespace warden {

/// Set in the environment of every process of a backend.
inline constexpr std::string_view token_variable = "CONVEX_WARDEN_TOKEN";

/// Sends SIGKILL to its main process, unless the pid was reused, and to all in its cgroup.
void kill_leftover(const Saved::Backend& backend);
/// Liveness by those two.
[[nodiscard]] Life leftover_life(const Saved::Backend& backend);

/// The result of a search for tokens.
struct TokenSearch {
    int killed = 0;   // processes with a token; each got a SIGKILL
    int hidden = 0;   // processes that may have one but cannot be read
    std::string why;  // the reason for one of those
};
/// Reads the environment of each process that may belong to one of the backends, which may block on
/// that process: only in a helper.
[[nodiscard]] TokenSearch kill_by_token(const std::vector<Saved::Backend>& backends);

[[nodiscard]] std::string to_text(const TokenSearch& search);
/// corrupt: not the output of to_text.
[[nodiscard]] model::Result<TokenSearch> parse_token_search(std::string_view text);

}  // namespace warden
