// The Database port over the simulated SQLite: pin, write lock and barrier work as in the real
// adapter.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "reconcilers/ports/database.h"
#include "tests/sim/database/sim_sqlite.h"

namespace sim {

class SimDatabase final : public reconcilers::ports::Database {
public:
    /// `sqlite` and `files` must outlive this.
    SimDatabase(SimSqlite& sqlite, SimFiles& files) : sqlite_{sqlite}, files_{files} {}
    ~SimDatabase() override { detach(); }
    SimDatabase(const SimDatabase&) = delete;
    SimDatabase& operator=(const SimDatabase&) = delete;

    [[nodiscard]] model::Result<Mode> mode() override;
    [[nodiscard]] model::Result<void> convert_to_wal() override;
    [[nodiscard]] model::Result<Attached> attach(
        const std::optional<model::WalPosition>& saved) override;
    [[nodiscard]] bool attached() const override { return opener_.has_value(); }
    void detach() override;
    [[nodiscard]] model::Result<void> checkpoint_and_close(
        const model::WalPosition& captured) override;
    [[nodiscard]] model::Result<model::WalBatch> capture(const model::WalPosition& from,
                                                         std::uint64_t limit) override;
    [[nodiscard]] model::Result<void> lock_writers(model::Duration budget) override;
    [[nodiscard]] bool writers_locked() const override { return writers_locked_; }
    void unlock_writers() override;
    [[nodiscard]] model::Result<reconcilers::ports::Checkpointed> checkpoint(
        const model::WalPosition& captured) override;
    [[nodiscard]] model::Result<void> repin(const model::WalPosition& captured) override;
    [[nodiscard]] model::Result<Image> begin_image() override;
    [[nodiscard]] model::Result<std::vector<model::Page>> read_image(std::uint32_t first,
                                                                     std::uint32_t count) override;
    void end_image() override;
    void on_change(std::function<void()> wake) override { wake_ = std::move(wake); }

    /// Called by the simulation after a commit.
    void changed() const {
        if (wake_) wake_();
    }

private:
    enum Slot : int { pin_slot, spare_slot, image_slot };

    [[nodiscard]] model::Result<model::WalPosition> continue_from(const model::WalPosition& from);
    void pin(const model::WalPosition& at, Slot slot);

    SimSqlite& sqlite_;
    SimFiles& files_;
    std::function<void()> wake_;
    std::optional<int> opener_;
    bool writers_locked_ = false;

    Slot slot_ = pin_slot;
    bool may_restart_ = false;
    model::WalPosition pinned_at_;
    std::optional<model::wal::Salts> followed_by_;
    std::optional<SimSnapshot> image_;
};

}  // namespace sim
