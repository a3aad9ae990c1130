// A unit of systemd, followed by a thread of its own: what is known of it is there at once, and a
// bus or a systemd that hangs keeps nobody waiting for longer than a call may take.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "adapters/dbus/unit_state.h"
#include "model/result.h"

namespace adapters::dbus {

/// What is known of the unit.
struct UnitSeen {
    /// `state` was read on the present connection, after the last call to systemd: whatever that
    /// call queued is in it. Otherwise it is what was known before.
    bool read = false;
    std::string trouble;  // why it was not read; "" it was, or nothing was tried yet
    UnitState state;
    std::uint64_t starts = 0;   // starts seen, those that failed before a process was there as well
    std::string start_failure;  // why the last start had no effect; "": it had, or none was asked
    friend bool operator==(const UnitSeen&, const UnitSeen&) = default;
};

/// Connects, and again after each loss: to a bus that is gone, and to a systemd that was restarted.
/// It is signals that have it read the unit again; it does not poll. Thread-safe.
class UnitLink {
public:
    explicit UnitLink(std::string unit);
    /// Does not wait for a thread that hangs on a bus: that one ends by itself.
    ~UnitLink();
    UnitLink(const UnitLink&) = delete;
    UnitLink& operator=(const UnitLink&) = delete;

    /// Each returns within 400 ms. unavailable: it was not sent. unknown_outcome: it was sent, and
    /// no answer came. not_found: there is no such unit. invalid: systemd refuses.
    ///
    /// start   also where systemd counts too many starts: that count is reset, since whoever calls
    ///         this has its own limit
    [[nodiscard]] model::Result<void> start();
    [[nodiscard]] model::Result<void> stop();
    /// SIGKILL to all of it; then a stop, which cancels a restart that systemd has queued.
    [[nodiscard]] model::Result<void> kill();

    [[nodiscard]] UnitSeen seen();
    /// `wake` is called from the thread when seen() has changed; {} removes it, and when this
    /// returns it is not running.
    void on_change(std::function<void()> wake);

private:
    class Worker;
    std::shared_ptr<Worker> worker_;  // its thread may outlive this, in a call that hangs
};

}  // namespace adapters::dbus
