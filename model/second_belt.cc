#include "model/second_belt.h"

namespace model {

BeltPlan plan_belt(const WardenWatch& watch, Duration margin, Instant now) {
    const auto grace = margin / 8;
    BeltPlan plan;
    if (watch.valid_until != Instant{}) {
        plan.reason = "strike_time";
        plan.due = watch.valid_until - margin / 2;
    }
    // Another node may lead already: it does not wait for the old deadline.
    if (watch.dropped_at && (plan.reason.empty() || *watch.dropped_at < plan.due)) {
        plan.reason = "deposed";
        plan.due = *watch.dropped_at;
    }
    if (plan.reason.empty()) return plan;
    plan.strike = now >= plan.due + grace;
    if (!plan.strike) {
        plan.again = plan.due + grace;
        plan.reason = {};
    }
    return plan;
}

}  // namespace model
