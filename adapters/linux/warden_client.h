// The node process's end of the socket to its warden.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "model/result.h"
#include "reconcilers/ports/warden.h"

namespace adapters::linux_host {

/// reconcilers::ports::Warden over the descriptor that the warden left open ("--fd N"). Safe from
/// several threads; one request is under way at a time. Each call returns within 100 ms, but
/// start_backend may look up the user's name before that, which takes as long as the machine's
/// name service does. A thread of its own reads what the warden sends.
class WardenClient final : public reconcilers::ports::Warden {
public:
    /// Takes the descriptor over. invalid: it is no socket of this kind.
    [[nodiscard]] static model::Result<std::unique_ptr<WardenClient>> attach(int fd);
    ~WardenClient() override;
    WardenClient(const WardenClient&) = delete;
    WardenClient& operator=(const WardenClient&) = delete;

    [[nodiscard]] model::Result<void> hold_until(model::Instant valid_until) override;
    [[nodiscard]] model::Result<void> start_backend(
        const reconcilers::ports::SpawnSpec& spec) override;
    [[nodiscard]] model::Result<void> stop_backend() override;
    [[nodiscard]] model::Result<void> kill_backend() override;
    [[nodiscard]] model::Result<void> disarm() override;
    [[nodiscard]] model::Result<void> claim(const std::string& incarnation) override;
    [[nodiscard]] model::Result<void> watch(const model::WardenTarget& target) override;
    [[nodiscard]] model::Result<void> forget(const model::WardenTarget& target) override;

    /// As of the last message; waits up to 100 ms for the first one, which the warden sends at
    /// once.
    [[nodiscard]] reconcilers::ports::WardenView view() override;
    /// `wake` is called from the reading thread, without a lock; {} takes it away. Once this
    /// returns, a waker that was there before is not called any more.
    void on_change(std::function<void()> wake) override;

private:
    class Reader;
    explicit WardenClient(std::unique_ptr<Reader> reader);
    std::unique_ptr<Reader> reader_;
};

}  // namespace adapters::linux_host
