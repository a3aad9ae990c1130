// The warden of a simulated machine: the real core (warden/core), acting on simulated processes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "model/time.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/warden.h"
#include "warden/core.h"

namespace sim {

/// The process of a backend. The simulation reads `alive`, and calls SimWarden::backend_died when
/// the backend ends by itself.
struct SimBackend {
    bool alive = false;
    bool ignores_stop = false;  // SIGTERM only calls stop_asked
    // in uninterruptible I/O: SIGKILL takes effect when this is false again
    bool unkillable = false;
    std::string unknown_because;  // why its liveness cannot be determined; "": it can
    std::string refuses;          // why its command cannot be executed; "": it can
    std::function<void()> started = [] {};
    std::function<void()> died = [] {};
    std::function<void()> stop_asked = [] {};
};

/// The warden process. It outlives node processes; its state file outlives it, but not the machine.
class SimWarden {
public:
    /// Its effects on the rest of the machine. Called from within the calls below, and so perhaps
    /// during a call of the node process itself: `kill_node` should only mark it dead, drop it
    /// later, and then call node_died.
    struct Machine {
        // afterwards connect() gives the process its warden
        std::function<void()> spawn_node = [] {};
        std::function<void()> kill_node = [] {};
        std::function<void()> term_node = [] {};
        /// Kills or removes a target; false: it is still there.
        std::function<bool(const model::WardenTarget&)> end_target =
            [](const model::WardenTarget&) { return true; };
        std::function<void(const warden::LogEvent&)> log_event = [](const warden::LogEvent&) {};
    };

    /// file     the state file on tmpfs; must outlive this
    /// backend  must outlive this
    SimWarden(warden::Settings settings,
              std::optional<warden::Saved>& file,
              const reconcilers::ports::Clock& clock,
              SimBackend& backend,
              Machine machine);
    ~SimWarden();
    SimWarden(const SimWarden&) = delete;
    SimWarden& operator=(const SimWarden&) = delete;

    /// Enforces the state file, then spawns the first node process.
    void begin();
    /// Acts on the present time. A warden whose step() is not called is one that is not scheduled.
    void step();
    [[nodiscard]] std::optional<model::Instant> wakeup() const { return core_.wakeup(); }

    /// The socket of the node process spawned last. It is lost once that process is killed or dead,
    /// and when the warden is.
    [[nodiscard]] std::unique_ptr<reconcilers::ports::Warden> connect();

    void node_died(std::int32_t wait_status);
    void backend_died(std::int32_t wait_status);
    /// Why targets cannot be watched; "": they can.
    void refuse_to_watch(std::string why) { unwatchable_ = std::move(why); }
    /// Reports that something of a target appeared: a process, an address.
    void target_appeared();
    void terminate();
    void strike_now();

    /// kill -9: PDEATHSIG kills the backend, and the simulation drops the node process. Only the
    /// destructor may be called afterwards.
    void crash();

    [[nodiscard]] std::optional<int> exited() const { return exited_; }
    [[nodiscard]] const warden::Core& core() const { return core_; }

private:
    class Client;
    struct Socket;  // connects one node process and the warden

    void perform(warden::Actions actions);
    void carry_out(const warden::Action& action);
    void kill_backend();
    void end_backend(std::int32_t wait_status);
    void check_backend();
    void close_socket();

    std::optional<warden::Saved>& file_;
    const reconcilers::ports::Clock& clock_;
    SimBackend& backend_;
    Machine machine_;
    warden::Core core_;
    warden::ActionQueue queue_;
    bool performing_ = false;
    std::shared_ptr<Socket> socket_;
    std::int32_t last_pid_ = 100;
    std::string unwatchable_;
    std::optional<int> exited_;
};

}  // namespace sim
