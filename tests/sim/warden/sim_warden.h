// The warden of a simulated machine: the real decisions (warden/core), with hands that move
// simulated processes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model/time.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/warden.h"
#include "warden/core.h"

namespace sim {

/// A backend's process. The simulation reads `alive`, and calls SimWarden::backend_died where the
/// backend ends by itself.
struct SimBackend {
    bool alive = false;
    bool ignores_stop = false;  // SIGTERM does nothing but call stop_asked
    bool unkillable = false;    // in uninterruptible I/O: SIGKILL waits until it is false again
    std::string refuses;        // why its command can't be run; "": it can
    std::function<void()> started = [] {};
    std::function<void()> died = [] {};
    std::function<void()> stop_asked = [] {};
};

/// The warden process. It outlives node processes; its file outlives it, but not the machine.
class SimWarden {
public:
    /// What it does to the rest of the machine. Called from within the calls below, and so perhaps
    /// from a call of the node process itself: `kill_node` is to mark it dead and drop it later,
    /// then to say node_died.
    struct Machine {
        std::function<void()> spawn_node = [] {};  // then connect() gives it its warden
        std::function<void()> kill_node = [] {};
        std::function<void()> term_node = [] {};
        /// Kills or removes what is watched; false: it is still there.
        std::function<bool(const model::WardenTarget&)> end_target =
            [](const model::WardenTarget&) { return true; };
        std::function<void(const warden::Say&)> say = [](const warden::Say&) {};
    };

    /// file     the state file on tmpfs; outlives this
    /// backend  outlives this
    SimWarden(warden::Settings settings,
              std::optional<warden::Saved>& file,
              const reconcilers::ports::Clock& clock,
              SimBackend& backend,
              Machine machine);
    ~SimWarden();
    SimWarden(const SimWarden&) = delete;
    SimWarden& operator=(const SimWarden&) = delete;

    /// Enforces the file and spawns the first node process.
    void begin();
    /// Looks at the time. Not calling it is a warden that is not scheduled.
    void step();
    [[nodiscard]] std::optional<model::Instant> wakeup() const { return core_.wakeup(); }

    /// The socket of the node process that was spawned last. Lost once that one is killed or dead,
    /// and once the warden is.
    [[nodiscard]] std::unique_ptr<reconcilers::ports::Warden> connect();

    void node_died(std::int32_t wait_status);
    void backend_died(std::int32_t wait_status);
    /// The event of something watched that lives: a start, an address.
    void target_appeared();
    void terminate();
    void strike_now();

    /// kill -9: PDEATHSIG takes the backend with it, and the simulation drops the node process.
    /// Nothing but the destructor may follow.
    void crash();

    [[nodiscard]] std::optional<int> exited() const { return exited_; }
    [[nodiscard]] const warden::Core& core() const { return core_; }

private:
    class Client;
    struct Socket;  // between one node process and the warden

    void perform(warden::Actions actions);
    void carry_out(const warden::Action& action);
    void kill_backend();
    void end_backend(std::int32_t wait_status);
    void close_socket();

    std::optional<warden::Saved>& file_;
    const reconcilers::ports::Clock& clock_;
    SimBackend& backend_;
    Machine machine_;
    warden::Core core_;
    std::deque<warden::Action> actions_;
    bool performing_ = false;
    std::shared_ptr<Socket> socket_;
    std::int32_t last_pid_ = 100;
    std::optional<int> exited_;
};

}  // namespace sim
