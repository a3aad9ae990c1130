// Kills the backend in the place of a warden that does not answer. Rule W7 of docs/protocol.md;
// when it strikes is decided in model/second_belt.h.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>

#include "adapters/linux/backend_hold.h"
#include "adapters/linux/clock.h"
#include "adapters/linux/warden_client.h"
#include "model/time.h"
#include "reconcilers/ports/events.h"

namespace adapters::linux_host {

/// A thread that waits for a timer and for news of the warden, and for nothing else: not for the
/// store, a disk, the log, or an answer of the warden.
class SecondBelt {
public:
    struct Settings {
        model::Duration margin{};  // the fence margin
        pid_t warden = 0;
        /// Ends what else ends with the lease. True: all of that is proven gone. Called at each
        /// kill, after the processes; may be empty. It has to return soon.
        std::function<bool()> also;
    };
    /// `warden` and `events` outlive this.
    SecondBelt(Settings settings, WardenClient& warden, reconcilers::ports::Events& events);
    ~SecondBelt();
    SecondBelt(const SecondBelt&) = delete;
    SecondBelt& operator=(const SecondBelt&) = delete;

private:
    void run();
    /// Returns when to check again.
    [[nodiscard]] std::optional<model::Instant> turn();
    void wait(std::optional<model::Instant> until) const;
    void report(const BackendHold::Kill& kill, std::string_view reason, model::Duration late);
    void wake() const;

    Settings settings_;
    WardenClient& warden_;
    reconcilers::ports::Events& events_;
    const Clock clock_;
    Descriptor timer_;  // CLOCK_BOOTTIME
    Descriptor news_;   // an eventfd
    std::atomic<bool> stop_ = false;

    // Of the thread alone.
    BackendHold hold_;
    WardenClient::Heard last_;
    bool struck_ = false;   // under what is known now
    bool proven_ = false;   // and all of it is dead
    bool overdue_ = false;  // and it was said that it is not
    int kills_ = 0;
    model::Instant struck_at_{};

    std::thread thread_;  // the last one: it uses all of the others
};

}  // namespace adapters::linux_host
