// systemd's notification protocol, sd_notify(3), and the warden's own lines on stderr. Neither ever
// blocks: a reader that does not read costs a line, not the deadline.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/event_line.h"
#include "model/time.h"
#include "warden/core.h"

namespace warden {

class Notify {
public:
    /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment: no child is to
    /// speak for the unit.
    Notify();
    ~Notify();
    Notify(const Notify&) = delete;
    Notify& operator=(const Notify&) = delete;

    /// "READY=1", "STOPPING=1", "WATCHDOG=1"; nothing where nobody listens.
    void send(std::string_view state) const;
    /// How often WATCHDOG=1 is to be sent: half of what systemd allows.
    [[nodiscard]] std::optional<model::Duration> watchdog_period() const { return period_; }

private:
    std::string path_;
    int fd_ = -1;
    std::optional<model::Duration> period_;
};

class Lines {
public:
    explicit Lines(model::LineFormat format);
    ~Lines();
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    void write(const Say& say) const;

private:
    model::LineFormat format_;
    int fd_ = 2;
    bool socket_ = false;
};

}  // namespace warden
