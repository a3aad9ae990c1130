// The test is that this program links: it contains all of `model`, `reconcilers` and `control`, and
// no further library.
#include "adapters/kv/kv_store.h"
#include "model/lease.h"
#include "reconcilers/ports/clock.h"

namespace {

class FixedClock final : public reconcilers::ports::Clock {
public:
    [[nodiscard]] model::Instant now() const override {
        return model::Instant{} + model::Duration{5};
    }
    [[nodiscard]] model::WallTime wall() const override { return {7}; }
};

}  // namespace

int main() {
    const FixedClock clock;
    const model::Lease lease{
        .epoch = {1}, .valid_until = clock.now(), .margin = model::Duration{2}};
    model::check(lease.fence_at() < clock.now(), "the fence comes before the end of the lease");
    model::check(model::parse_hex16(model::to_hex16(clock.wall().ms < 0 ? 0 : 7)).value() == 7,
                 "a number survives its text");
    return 0;
}
