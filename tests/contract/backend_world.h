// The worlds in which the contract of every Backend is run.
#pragma once

#include <memory>
#include <string>

#include "reconcilers/ports/backend.h"

namespace contract {

class BackendWorld {
public:
    virtual ~BackendWorld() = default;
    [[nodiscard]] virtual reconcilers::ports::Backend& backend() = 0;
    /// The node holds the lease: a strike time is ahead.
    virtual void hold() = 0;
    /// The lease is over: the warden strikes.
    virtual void strike() = 0;
    /// What others do goes on: the warden and the processes. Call it in waits.
    virtual void step() = 0;
    /// Whether a process of it lives, whatever the backend says.
    [[nodiscard]] virtual bool lives() = 0;
    /// From the next start on it does not react to a stop.
    virtual void ignore_stops() = 0;
    /// It ends by itself, with status 3.
    virtual void die() = 0;
    /// The node process ended; the next one has a backend of its own.
    virtual void restart_node_process() = 0;
    /// It can be started here, or not.
    virtual void spoil() = 0;
    virtual void mend() = 0;
};

/// A child of a simulated machine's warden.
[[nodiscard]] std::unique_ptr<BackendWorld> process_world();
/// A unit of real systemd.
[[nodiscard]] std::unique_ptr<BackendWorld> systemd_world();

}  // namespace contract
