// The warden's event loop: one thread that passes messages, deaths, signals and the time to the
// core, and does its actions.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "model/time.h"
#include "warden/cgroup.h"
#include "warden/core.h"
#include "warden/errand.h"
#include "warden/group.h"
#include "warden/life.h"
#include "warden/lines.h"
#include "warden/notify.h"
#include "warden/options.h"
#include "warden/spawn.h"
#include "warden/targets.h"
#include "warden/tree.h"

namespace warden {

/// Now, on CLOCK_BOOTTIME.
[[nodiscard]] model::Instant boot_now();

class Loop {
public:
    /// cgroup   for backends, absolute; "": none
    /// signals  from take_signals(); closed at the end
    Loop(const Options& options,
         Core& core,
         Origin origin,
         std::string cgroup,
         int signals,
         Notify& notify,
         Lines& lines);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Enforces what earlier wardens left, and starts the node process. invalid: a descriptor could
    /// not be created.
    [[nodiscard]] model::Result<void> begin();
    /// Runs until the end; returns the exit status.
    [[nodiscard]] int run();
    /// The state file has the core's present state.
    [[nodiscard]] bool saved() const { return !save_failed_; }

private:
    [[nodiscard]] model::Result<void> open();
    [[nodiscard]] model::Result<void> watch(int fd, std::uint32_t events);
    void turn();
    void set_timer();
    void feed_watchdog();
    void read_node();
    void read_signals();
    void reap();
    void find_unreaped();
    void node_ended(int status);
    void backend_ended(int status);
    void read_backend_failure();
    void read_errands();
    void check_backend();
    void check_targets();

    [[nodiscard]] Others others() const;
    [[nodiscard]] Life leftovers_life() const;
    [[nodiscard]] Life backend_life() const;
    void search_tokens();
    void backend_gone();

    void perform(Actions actions);
    void carry_out(const Action& action);
    void spawn_node();
    void spawn_backend(const SpawnBackend& action);
    void kill_backend();
    void end_targets();
    void report_targets(std::string stuck);
    void kill_node();
    void close_node();
    void reply(const model::WardenAnswer& answer);
    void save();

    const Options& options_;
    Core& core_;
    Origin origin_;
    std::string cgroup_path_;
    Notify& notify_;
    Lines& lines_;
    int signals_;
    Targets targets_;
    Tree tree_;
    Cgroup cgroup_;
    Others strangers_;  // children from before this program's exec
    Errand search_{"convex-search"};
    std::optional<TokenSearch> searched_;  // the last search that completed
    Errand unbind_{"convex-unbind"};
    bool unbind_again_ = false;  // requested again while it is running

    int epoll_ = -1;
    int timer_ = -1;
    std::optional<model::Instant> timer_at_;
    std::optional<model::Instant> feed_at_;
    std::optional<model::Instant> check_at_;  // at a node process that was killed

    pid_t node_ = 0;
    int node_socket_ = -1;
    int node_failure_ = -1;
    bool unsent_status_ = false;
    pid_t backend_ = 0;  // its main process, until reaped
    int backend_failure_ = -1;
    std::string program_;  // the backend's

    ActionQueue queue_;
    bool performing_ = false;
    bool save_failed_ = false;
    std::string stuck_;  // why a target is still alive; reported once
    std::optional<int> exit_;
    std::vector<std::byte> packet_;
};

}  // namespace warden
