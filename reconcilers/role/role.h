// The role reconciler: renews the lease while this node holds it, takes it over when permitted, and
// gives it up in time. Its thread, connection and locks are used for nothing else.
#pragma once

#include <memory>
#include <string>

#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/outage.h"
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
    /// `incarnation` names this process and begins every nonce.
    RoleReconciler(Settings settings, std::string incarnation, Ports ports);

    struct Pass {
        RoleView view;
        model::Instant wake_at;  // time of the next step, at the latest
    };
    /// One pass: reads, decides and acts until nothing is due. `store_changed`: called because of
    /// the watch. A call to the store takes at most 500 ms, one to the warden 100 ms. The end of
    /// the lease depends on neither: it is in the view, and set in the warden.
    [[nodiscard]] Pass step(const Board& board, bool store_changed);

private:
    bool act(const Board& board, const Action& action);
    bool read();
    bool write(const Board& board, const WriteRecord& write);
    void on_acknowledged(const Board& board, const WriteRecord& write, model::Instant sent_at);
    [[nodiscard]] bool warden_answers();
    void hold(model::Lease lease, Write kind);
    void give_up(const Fence& fence);
    void notify_warden();
    void undo_drain(const Board& board, const UndoDrain& undo);
    void release(const Board& board, const WriteRecord& write);
    void check_holder();
    [[nodiscard]] model::LeaseRecord build_record(const Board& board, const WriteRecord& write);
    [[nodiscard]] RoleView view() const;

    Settings settings_;
    std::string incarnation_;
    Ports ports_;
    Memory memory_;
    std::uint64_t counter_ = 0;
    std::string waiting_for_;
    // Of the warden, each reported once: the last failed notification, the last deadline that it
    // did not confirm, its silence before a takeover.
    std::string warden_error_;
    std::string deadline_error_;
    std::string silence_;
    Outage reads_;             // of the record
    std::string write_error_;  // of the last write of it; "" it worked, or another process's did
    Outage writes_;            // those that were not answered
    std::string other_nonce_;  // of the last record read that another process wrote
    model::Epoch seen_epoch_;  // of the record, as read last
};

}  // namespace reconcilers::role
