// The decisions of the warden: requests, deaths and the time come in, actions go out. No I/O and no
// clock, so that the simulator runs this same code. Rules: W0 to W6 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/event_line.h"
#include "model/time.h"
#include "model/warden_list.h"
#include "model/warden_message.h"

namespace warden {

/// The contents of the state file, which survives a warden.
struct Saved {
    struct Process {
        std::int32_t pid = 0;
        std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat: detects a reused pid
        friend bool operator==(const Process&, const Process&) = default;
    };
    /// What identifies the processes of a backend, and no others.
    struct Backend {
        std::string token;              // in the environment of each of its processes
        std::string cgroup;             // absolute; "": it has none
        std::int32_t pid = 0;           // 0: not started yet
        std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat: detects a reused pid
        std::uint32_t uid = 0;          // the user that it runs as
        friend bool operator==(const Backend&, const Backend&) = default;
    };
    std::string boot_id;
    model::Instant valid_until{};
    std::string incarnation;
    Process warden;      // the warden that wrote the file
    std::string cgroup;  // for its backends; "": none
    std::optional<Backend> backend;
    std::vector<Backend> leftovers;            // backends of earlier wardens, not known to be dead
    std::vector<model::WardenTarget> targets;  // registered targets
    bool targets_alive = false;                // some of them may be alive
    friend bool operator==(const Saved&, const Saved&) = default;
};

struct Settings {
    model::Duration ttl{};           // upper limit of a deadline
    model::Duration margin{};        // the strike comes half of it before the lease ends
    model::Duration stop_timeout{};  // limit of an orderly shutdown
    std::string boot_id;
    std::string run;        // random; in the tokens of this warden's backends
    std::string cgroup;     // for its backends, absolute; "": none available
    std::uint32_t uid = 0;  // the warden's own
    Saved::Process warden;  // this process
    /// Everything that it may ever start, kill and unbind; requests name its entries.
    model::WardenList list;
};

// Actions for the caller to do before it brings the next input, in the order given by ActionQueue.
struct KillNode {};   // SIGKILL; nothing more is read from it
struct TermNode {};   // SIGTERM
struct SpawnNode {};  // answered by node_died, at once where it cannot be spawned
/// Answered by backend_spawned, then backend_started or backend_failed.
struct SpawnBackend {
    std::string token;
    model::Spawn spawn;
};
struct StopBackend {};  // SIGTERM to its main process
/// SIGKILL to all of it and of all leftovers; followed by backend_gone where all are dead.
struct KillBackend {};
// kill or remove all of saved().targets; followed by targets_clear where none is left
struct EndTargets {};
struct Save {};  // write saved() to the state file
/// Watch all of saved().targets; answered by targets_watched.
struct WatchTargets {
    std::uint64_t request = 0;
};
struct Reply {  // to the node process
    model::WardenAnswer answer;
};
struct LogEvent {  // an event for the log
    model::EventLevel level = model::EventLevel::info;
    std::string_view name;
    model::EventFields fields;
};
struct Exit {
    int status = 0;
};
using Action = std::variant<KillNode,
                            TermNode,
                            SpawnNode,
                            SpawnBackend,
                            StopBackend,
                            KillBackend,
                            EndTargets,
                            Save,
                            WatchTargets,
                            Reply,
                            LogEvent,
                            Exit>;
using Actions = std::vector<Action>;

/// Actions waiting to be done. Kills come first and log lines last, in whatever order they were
/// decided: nothing that takes time or may block is done while something is alive that must not be.
/// In between, saving comes before any start or answer that depends on it. Actions of one kind keep
/// their order.
class ActionQueue {
public:
    void add(Actions actions);
    /// Removes and returns the first one; empty: none is waiting.
    [[nodiscard]] std::optional<Action> next();

private:
    Actions waiting_;  // the next one is last
};

class Core {
public:
    /// `before`: from the state file, if there is one. Ignored if it is of another boot (W6).
    Core(Settings settings, const std::optional<Saved>& before);

    /// Adds what another state file of the same boot says is alive, to be killed too. Call before
    /// begin.
    void inherit(const Saved& other);

    /// Enforces the state file, then starts the node process. Once, before all other inputs.
    [[nodiscard]] Actions begin(model::Instant now);

    /// A request of the running node process. `now` must be read for each request, so that no time
    /// passes between the check of a deadline and the start under it (W3).
    [[nodiscard]] Actions request(const model::WardenRequest& request, model::Instant now);
    /// Deliver all waiting messages before this (W0).
    [[nodiscard]] Actions tick(model::Instant now);

    [[nodiscard]] Actions node_died(std::int32_t wait_status, model::Instant now);
    /// The node process closed its socket, or sent an invalid message.
    [[nodiscard]] Actions node_broken(std::string_view why, model::Instant now);

    [[nodiscard]] Actions backend_spawned(std::int32_t pid,
                                          std::uint64_t start_ticks,
                                          model::Instant now);
    [[nodiscard]] Actions backend_started(model::Instant now);
    [[nodiscard]] Actions backend_failed(std::string message, model::Instant now);
    /// Its main process died; others may be alive.
    [[nodiscard]] Actions backend_exited(std::int32_t wait_status, model::Instant now);
    /// Proven: no process of it, or of any leftover, is alive.
    [[nodiscard]] Actions backend_gone(model::Instant now);
    /// An event or a check showed that a process of it is alive.
    [[nodiscard]] Actions backend_seen(model::Instant now);
    /// It cannot be determined whether it is alive; it is killed again, and does not count as dead.
    [[nodiscard]] Actions backend_unknown(std::string why, model::Instant now);

    /// An event showed that a target is alive, or may be.
    [[nodiscard]] Actions targets_seen(model::Instant now);
    [[nodiscard]] Actions targets_clear(model::Instant now);
    /// failure  why what appears of them would not be noticed; "" it would
    [[nodiscard]] Actions targets_watched(const WatchTargets& request, std::string failure);

    /// SIGTERM: an orderly shutdown. SIGUSR1: strike now.
    [[nodiscard]] Actions terminate(model::Instant now);
    [[nodiscard]] Actions strike_now(model::Instant now);

    /// When to call tick at the latest.
    [[nodiscard]] std::optional<model::Instant> wakeup() const;
    [[nodiscard]] const Saved& saved() const { return saved_; }
    [[nodiscard]] model::WardenStatus status() const;

private:
    enum class Node : std::uint8_t { absent, running, killed };

    [[nodiscard]] bool held(model::Instant now) const;
    /// Some backend or leftover is not known to be dead.
    [[nodiscard]] bool any_backend() const { return saved_.backend || !saved_.leftovers.empty(); }
    [[nodiscard]] std::int32_t backend_pid() const;
    [[nodiscard]] model::Instant strike_at() const;
    void check_time(model::Instant now);
    void strike(std::string_view reason, model::Instant now);
    void kill_node();
    void kill_backend(model::Instant now);
    void end(int status);
    void end_when_gone(model::Instant now);
    void set_deadline(const model::WardenRequest& request, model::Instant now);
    void register_target(const model::WardenRequest& request, model::Instant now);
    void unregister_target(const model::WardenRequest& request);
    void end_targets(model::Instant now);
    void claim(const model::WardenRequest& request);
    void start(const model::WardenRequest& request, model::Instant now);
    void answer(std::uint64_t id, std::optional<model::Error> failure = {});
    void notify_status();
    void log_event(model::EventLevel level, std::string_view name, model::EventFields fields = {});
    template <typename A>
    void act(A&& action) {
        actions_.emplace_back(std::forward<A>(action));
    }
    [[nodiscard]] Actions take();

    Settings settings_;
    Saved saved_;
    Actions actions_;
    model::WardenStatus last_sent_;

    Node node_ = Node::absent;
    bool disarmed_ = false;  // the node process does not act again under the present deadline
    model::Instant node_since_{};
    int rapid_deaths_ = 0;
    std::optional<model::Instant> spawn_node_at_;

    std::uint64_t starts_ = 0;
    std::optional<std::int32_t> exit_;
    std::uint64_t start_request_ = 0;  // answered when the exec succeeds or fails
    std::optional<model::Instant> kill_again_at_;
    int kills_ = 0;
    std::string unproven_;  // why the backend's death is not proven; "": it is not in question
    std::string unproven_reason_;  // the reason that was last logged for this backend
    std::optional<model::Instant> end_again_at_;
    int ends_ = 0;
    std::optional<model::Instant> alarm_at_;

    bool stopping_ = false;
    int exit_status_ = 0;
    std::optional<model::Instant> stop_by_;
    std::optional<model::Instant> exit_by_;
};

}  // namespace warden
