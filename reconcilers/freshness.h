// For how long a published status counts, by the reader's own clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "model/time.h"

namespace reconcilers {

/// A status that did not change for so many heartbeats is not fresh any more.
inline constexpr int heartbeats_to_be_stale = 3;

/// The longer of this node's heartbeat and the one that a status names, which is limited to a
/// minute: another node writes it.
[[nodiscard]] inline model::Duration heartbeat_of(std::int64_t status_heartbeat_ms,
                                                  model::Duration own) {
    const auto theirs =
        std::chrono::milliseconds{std::clamp<std::int64_t>(status_heartbeat_ms, 0, 60'000)};
    return std::max<model::Duration>(own, theirs);
}

/// Whether a status that changed last at `changed_at` is fresh at `now`.
[[nodiscard]] inline bool is_fresh(model::Instant changed_at,
                                   std::int64_t status_heartbeat_ms,
                                   model::Duration own,
                                   model::Instant now) {
    return now < changed_at + heartbeats_to_be_stale * heartbeat_of(status_heartbeat_ms, own);
}

}  // namespace reconcilers
