// The warden's hands: one thread that brings messages, deaths, signals and the time to the core,
// and does what it says.
#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "model/time.h"
#include "warden/core.h"
#include "warden/notify.h"
#include "warden/options.h"
#include "warden/spawn.h"
#include "warden/targets.h"

namespace warden {

/// CLOCK_BOOTTIME.
[[nodiscard]] model::Instant boot_now();

class Loop {
public:
    /// cgroup  the backend's, absolute; "": none
    Loop(const Options& options,
         Core& core,
         Origin origin,
         std::string cgroup,
         Notify& notify,
         Lines& lines);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Returns the status to exit with. invalid: a descriptor could not be made.
    [[nodiscard]] model::Result<int> run();

private:
    [[nodiscard]] model::Result<void> open();
    [[nodiscard]] model::Result<void> watch(int fd, std::uint32_t events);
    void turn();
    void set_timer();
    void feed_watchdog();
    void read_node();
    void read_signals();
    void reap();
    void read_backend_failure();
    void look_at_backend();
    void look_at_targets();

    void perform(Actions actions);
    void carry_out(const Action& action);
    void spawn_node();
    void spawn_backend(const SpawnBackend& action);
    void kill_backend();
    void end_targets();
    void kill_node();
    void close_node();
    void tell(const model::WardenAnswer& answer);
    void save();

    const Options& options_;
    Core& core_;
    Origin origin_;
    std::string cgroup_;
    Notify& notify_;
    Lines& lines_;
    Targets targets_;

    int epoll_ = -1;
    int timer_ = -1;
    int signals_ = -1;
    int cgroup_events_ = -1;
    std::optional<model::Instant> timer_at_;
    std::optional<model::Instant> feed_at_;

    pid_t node_ = 0;
    int node_socket_ = -1;
    int node_failure_ = -1;
    bool unsent_status_ = false;
    pid_t backend_ = 0;  // its first process, until it is reaped
    int backend_failure_ = -1;

    std::deque<Action> actions_;
    bool performing_ = false;
    bool save_failed_ = false;
    std::string stuck_;  // why a target still lives; said once
    std::optional<int> exit_;
    std::vector<std::byte> packet_;
};

}  // namespace warden
