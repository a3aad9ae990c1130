// What the warden decides: messages, deaths and the time come in, actions go out. No I/O and no
// clock, so that the simulator runs this very code. Rules: W0 to W6 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/event_line.h"
#include "model/time.h"
#include "model/warden_message.h"

namespace warden {

struct Settings {
    model::Duration ttl{};           // no deadline is further away
    model::Duration margin{};        // the strike comes half of it before the lease ends
    model::Duration stop_timeout{};  // for an orderly end
    std::string boot_id;
    std::string run;     // random: names this warden's backends
    std::string cgroup;  // for them, absolute; "": none is to be had
};

/// What outlives a warden, in its state file.
struct Saved {
    /// Enough to find every process of a backend again, and never another one.
    struct Backend {
        std::string token;              // in the environment of each of its processes
        std::string cgroup;             // its own, absolute; "": none was to be had
        std::int32_t pid = 0;           // 0: not started yet
        std::uint64_t start_ticks = 0;  // /proc/PID/stat, field 22: tells a reused pid
        friend bool operator==(const Backend&, const Backend&) = default;
    };
    std::string boot_id;
    model::Instant valid_until{};
    std::string incarnation;
    std::optional<Backend> backend;
    std::vector<model::WardenTarget> targets;
    friend bool operator==(const Saved&, const Saved&) = default;
};

// What the caller is to do, in the order given, before it brings the next input.
struct KillNode {};   // SIGKILL; nothing that it sent is read any more
struct TermNode {};   // SIGTERM
struct SpawnNode {};  // answered by node_died, at once where it can't be spawned
/// Answered by backend_spawned, then backend_started or backend_failed.
struct SpawnBackend {
    std::string token;
    model::Spawn spawn;
};
struct StopBackend {};  // SIGTERM to its first process
struct KillBackend {};  // SIGKILL to all of it; where nothing of it lives, backend_gone follows
struct EndTargets {};   // kill or remove all of saved().targets; where none lives, targets_clear
struct Save {};         // saved() into the state file
struct Tell {           // to the node process
    model::WardenAnswer answer;
};
struct Say {  // an event, for people
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
                            Tell,
                            Say,
                            Exit>;
using Actions = std::vector<Action>;

/// The exit status of a node process that must not be started again: its configuration is wrong, or
/// the node id belongs to somebody else. EX_CONFIG of sysexits.h.
inline constexpr int exit_for_good = 78;

class Core {
public:
    /// `before`: the state file, where there is one. One of another boot is ignored (W6).
    Core(Settings settings, const std::optional<Saved>& before);

    /// Enforces what the file said, then starts the node process. Once, before all other inputs.
    [[nodiscard]] Actions begin(model::Instant now);

    /// A request of the node process that lives. `now` is read for each: between the check of a
    /// deadline and the start under it there is nothing (W3).
    [[nodiscard]] Actions request(const model::WardenRequest& request, model::Instant now);
    /// Bring all messages that wait before this (W0).
    [[nodiscard]] Actions tick(model::Instant now);

    [[nodiscard]] Actions node_died(std::int32_t wait_status, model::Instant now);
    /// The node process closed its socket, or sent what is no request.
    [[nodiscard]] Actions node_broken(std::string_view why, model::Instant now);

    [[nodiscard]] Actions backend_spawned(std::int32_t pid,
                                          std::uint64_t start_ticks,
                                          model::Instant now);
    [[nodiscard]] Actions backend_started(model::Instant now);
    [[nodiscard]] Actions backend_failed(std::string message, model::Instant now);
    /// Its first process died; others may live.
    [[nodiscard]] Actions backend_exited(std::int32_t wait_status, model::Instant now);
    /// Nothing of it lives.
    [[nodiscard]] Actions backend_gone(model::Instant now);
    /// Something of it lives: an event said so, or a look.
    [[nodiscard]] Actions backend_seen(model::Instant now);

    /// Something of the watched lives, or may: an event said so.
    [[nodiscard]] Actions targets_seen(model::Instant now);
    [[nodiscard]] Actions targets_clear(model::Instant now);

    /// SIGTERM: an orderly end. SIGUSR1: strike now.
    [[nodiscard]] Actions terminate(model::Instant now);
    [[nodiscard]] Actions strike_now(model::Instant now);

    /// When to bring tick at the latest.
    [[nodiscard]] std::optional<model::Instant> wakeup() const;
    [[nodiscard]] const Saved& saved() const { return saved_; }
    [[nodiscard]] model::WardenStatus status() const;

private:
    enum class Node : std::uint8_t { absent, running, killed };

    [[nodiscard]] bool held(model::Instant now) const;
    [[nodiscard]] model::Instant strike_at() const;
    void strike(std::string_view reason, model::Instant now);
    void kill_node();
    void kill_backend(model::Instant now);
    void end(int status);
    void end_when_gone(model::Instant now);
    void hold(const model::WardenRequest& request, model::Instant now);
    void watch(const model::WardenRequest& request, model::Instant now);
    void end_targets(model::Instant now);
    void claim(const model::WardenRequest& request);
    void start(const model::WardenRequest& request, model::Instant now);
    void answer(std::uint64_t id, std::optional<model::Error> failure = {});
    void tell_status();
    void say(model::EventLevel level, std::string_view name, model::EventFields fields = {});
    template <typename A>
    void act(A&& action) {
        actions_.emplace_back(std::forward<A>(action));
    }
    [[nodiscard]] Actions take();

    Settings settings_;
    Saved saved_;
    Actions actions_;
    model::WardenStatus told_;

    Node node_ = Node::absent;
    bool disarmed_ = false;  // the node process does nothing any more under the present deadline
    model::Instant node_since_{};
    int rapid_deaths_ = 0;
    std::optional<model::Instant> spawn_node_at_;

    std::uint64_t starts_ = 0;
    std::optional<std::int32_t> exit_;
    std::uint64_t start_request_ = 0;  // to be answered when the exec went well, or did not
    std::optional<model::Instant> kill_again_at_;
    int kills_ = 0;
    std::optional<model::Instant> end_again_at_;
    int ends_ = 0;
    std::optional<model::Instant> alarm_at_;

    bool stopping_ = false;
    int exit_status_ = 0;
    std::optional<model::Instant> stop_by_;
    std::optional<model::Instant> exit_by_;
};

}  // namespace warden
