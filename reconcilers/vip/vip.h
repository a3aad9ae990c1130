// The vip reconciler: keeps the virtual addresses on the node that serves under the lease, and
// nowhere else.
#pragma once

#include <string>
#include <vector>

#include "model/result.h"
#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/addresses.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/warden.h"
#include "reconcilers/vip/plan.h"

namespace reconcilers::vip {

struct Ports {
    ports::Addresses& addresses;
    ports::Warden& warden;
    ports::Clock& clock;
    ports::Events& events;
};

class VipReconciler {
public:
    VipReconciler(Settings settings, Ports ports);

    struct Pass {
        VipView view;
        model::Instant wake_at;
    };
    [[nodiscard]] Pass step(const Board& board);

private:
    [[nodiscard]] bool act(const std::vector<Action>& actions);
    [[nodiscard]] model::Result<void> run(const Arm& arm);
    [[nodiscard]] model::Result<void> run(const Disarm& disarm);
    [[nodiscard]] model::Result<void> run(const Bind& bind);
    [[nodiscard]] model::Result<void> run(const Unbind& unbind);
    [[nodiscard]] model::Result<void> run(const Probe& probe);
    [[nodiscard]] model::Result<void> run(const Ask& ask);
    [[nodiscard]] model::Result<void> run(const Announce& announce);
    [[nodiscard]] model::Result<void> bind_in_time(const Bind& bind);
    void unobserved(const Board& board, const model::Error& why, model::Instant now);
    void report_changes(const Board& board, const ports::AddressesObserved& observed);
    void report_conflicts();
    [[nodiscard]] std::string name(std::size_t address) const;

    Settings settings_;
    Ports ports_;
    Memory memory_;
    VipView last_;
    std::string observe_error_;
    model::Instant unobserved_since_{};  // {}: the last observation succeeded
    /// What was reported of an address last.
    struct Reported {
        bool bound = false;
        bool unbinding = false;  // by this process, since it was last seen bound
        bool carrier = true;
        std::string conflict;
    };
    std::vector<Reported> reported_;
};

}  // namespace reconcilers::vip
