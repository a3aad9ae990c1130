// The role reconciler: keeps the lease where this node holds it, takes it where it may, and lets go
// of it in time. Shares its thread, its connection and its locks with nothing.
#pragma once

#include <memory>
#include <string>

#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/lease_store.h"
#include "reconcilers/ports/warden.h"
#include "reconcilers/role/plan.h"

namespace reconcilers::role {

struct Ports {
    ports::LeaseStore& store;
    ports::Warden& warden;
    ports::Clock& clock;
    ports::Random& random;
    ports::Events& events;
};

class RoleReconciler {
public:
    /// `incarnation` names this process; it begins every nonce.
    RoleReconciler(Settings settings, std::string incarnation, Ports ports);

    struct Pass {
        RoleView view;
        model::Instant wake_at;  // step again then, at the latest
    };
    /// One pass: reads, decides, acts until nothing is due. `store_changed`: the watch woke it.
    /// Each call to the store lasts 500 ms at most, each to the warden 100 ms; the lease's end
    /// depends on neither: the view carries it, and the warden holds it.
    [[nodiscard]] Pass step(const Board& board, bool store_changed);

private:
    bool act(const Board& board, const Action& action);
    bool read();
    bool write(const Board& board, const WriteRecord& write);
    void settled(const Board& board, const WriteRecord& write, model::Instant sent_at);
    void hold(model::Lease lease, Write kind);
    void give_up(const Fence& fence);
    void release(const Board& board, const WriteRecord& write);
    void check_holder();
    [[nodiscard]] model::LeaseRecord make_record(const Board& board, const WriteRecord& write);
    [[nodiscard]] RoleView view() const;

    Settings settings_;
    std::string incarnation_;
    Ports ports_;
    Memory memory_;
    std::uint64_t counter_ = 0;
    std::string waiting_for_;
    bool unreachable_ = false;  // the last read failed; said once
};

}  // namespace reconcilers::role
