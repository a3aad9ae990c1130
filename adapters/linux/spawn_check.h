// Whether a backend could be started here: what the warden will need, checked before.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "model/result.h"
#include "reconcilers/ports/warden.h"

namespace adapters::linux_host {

/// One check, after which the calling thread reads files as the backend's user does: user and
/// group are known, program and directory are there and may be used. "": so it is, as far as can be
/// told; else what is missing, where, and what to do. Waits for the name service and for the file
/// systems that they are on.
[[nodiscard]] std::string missing_needs(const reconcilers::ports::SpawnSpec& spec);

/// Checks on a thread of its own, which has the rights of the backend's user: it may wait for a
/// name service, or for a file system that hangs, and nobody waits with it. It checks when it is
/// asked, never by itself.
class SpawnCheck {
public:
    using Check = std::function<std::string(const reconcilers::ports::SpawnSpec&)>;
    explicit SpawnCheck(reconcilers::ports::SpawnSpec spec, Check check = missing_needs);
    ~SpawnCheck();
    SpawnCheck(const SpawnCheck&) = delete;
    SpawnCheck& operator=(const SpawnCheck&) = delete;

    /// A check that begins now, or is under way; waits for it for 400 ms at most.
    /// invalid: the backend could not be started here; the message says what is missing. Also
    /// where the check does not come to its end.
    [[nodiscard]] model::Result<void> check();

private:
    class Checker;
    std::shared_ptr<Checker> checker_;  // its thread may outlive this, in a call that hangs
};

}  // namespace adapters::linux_host
