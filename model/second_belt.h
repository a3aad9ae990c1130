// The second belt: when the node process kills in the warden's place. The warden kills the node
// process at the strike time, or says that it has struck; a node process that lives on and hears
// neither has a warden that is stopped, traced or frozen. Pure. Rule W7 of docs/protocol.md.
#pragma once

#include <optional>
#include <string_view>

#include "model/time.h"

namespace model {

/// What the node process knows of its warden. A warden that is heard of says each time which
/// deadline it holds, so that a strike that came in time is seen in here.
struct WardenWatch {
    Instant valid_until{};  // of the deadline that it held when it was heard last; {}: none
    /// Since when it was informed that there is no lease any more, and has not answered.
    std::optional<Instant> dropped_at;
    friend bool operator==(const WardenWatch&, const WardenWatch&) = default;
};

struct BeltPlan {
    bool strike = false;
    std::string_view reason;       // strike_time, deposed; "" it does not strike
    Instant due{};                 // the warden should have killed by then
    std::optional<Instant> again;  // when to check again, if nothing is heard before
    friend bool operator==(const BeltPlan&, const BeltPlan&) = default;
};

/// margin  the fence margin; an eighth of it is the warden's grace. Three eighths are left before
///         the lease ends.
[[nodiscard]] BeltPlan plan_belt(const WardenWatch& watch, Duration margin, Instant now);

}  // namespace model
