// systemd's notification protocol, sd_notify(3). Never blocks: where systemd does not read, the
// message is lost.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/time.h"

namespace warden {

class Notify {
public:
    /// Removes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment: no child may
    /// speak for the unit.
    Notify();
    ~Notify();
    Notify(const Notify&) = delete;
    Notify& operator=(const Notify&) = delete;

    /// "READY=1", "STOPPING=1", "WATCHDOG=1"; does nothing without a socket.
    void send(std::string_view state) const;
    /// Interval for WATCHDOG=1: half of what systemd allows.
    [[nodiscard]] std::optional<model::Duration> watchdog_period() const { return period_; }

private:
    std::string path_;
    int fd_ = -1;
    std::optional<model::Duration> period_;
};

}  // namespace warden
