// systemd's manager and one of its units over a bus; the only file that includes sdbus-c++, in the
// form of its version 1.2.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/dbus/unit_state.h"
#include "model/result.h"

namespace adapters::dbus {

/// One connection; for one thread. A call waits for its answer for `call_limit` at most, and no
/// thread of the library's own is started: its loop would end the program when the bus goes away.
class SystemdBus {
public:
    static constexpr std::chrono::milliseconds call_limit{250};

    /// Connects, and subscribes to what happens to the unit. Waits as long as a bus takes that
    /// accepts a connection and does not go on: up to 90 s.
    /// The bus is the system's, or the one that DBUS_SYSTEM_BUS_ADDRESS names. unavailable: there
    /// is no bus, or systemd does not answer on it
    [[nodiscard]] static model::Result<std::unique_ptr<SystemdBus>> connect(
        const std::string& unit);
    ~SystemdBus();
    SystemdBus(const SystemdBus&) = delete;
    SystemdBus& operator=(const SystemdBus&) = delete;

    /// unavailable: systemd is not on this bus. unknown_outcome: it gives no answer, or none that
    /// can be read.
    [[nodiscard]] model::Result<UnitState> read();

    /// The path of the job that systemd queued. Of all four: not_found: there is no such unit.
    /// invalid: systemd refuses; the message says why. unavailable: the bus was gone before.
    /// unknown_outcome: no answer came.
    [[nodiscard]] model::Result<std::string> start();
    [[nodiscard]] model::Result<std::string> stop();
    [[nodiscard]] model::Result<void> kill(int signal);
    [[nodiscard]] model::Result<void> reset_failed();

    /// To wait on. `until`: CLOCK_MONOTONIC; process() is to be called then.
    struct Wait {
        int fd = -1;
        short events = 0;
        std::optional<std::chrono::microseconds> until;
    };
    [[nodiscard]] Wait wait() const;

    /// What a job of the unit came to.
    struct EndedJob {
        std::string path;
        std::string result;  // done, failed, timeout, canceled, dependency, skipped …
    };
    struct News {
        bool changed = false;  // the unit is to be read again
        std::vector<EndedJob> ended;
    };
    /// Everything that has come until now; waits for nothing. unavailable: the connection is lost.
    [[nodiscard]] model::Result<News> process();

private:
    struct Parts;
    explicit SystemdBus(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace adapters::dbus
