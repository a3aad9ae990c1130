// Carries out what operators ask: compare-and-set on the spec, until the outcome is known or the
// attempts are used up.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "model/result.h"
#include "model/status.h"
#include "model/time.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/cluster_store.h"

namespace control {

/// How often and for how long a change is attempted.
struct Attempts {
    const reconcilers::ports::Clock& clock;
    std::function<void(model::Duration)> wait;               // blocks for that long, or less
    model::Duration pause = std::chrono::milliseconds{100};  // between two attempts
    int most = 100;
    model::Duration limit = std::chrono::seconds{10};  // no attempt begins later than this
};

/// A function of control/operations.h with every argument but the spec bound.
using Operation = std::function<model::Result<model::Spec>(model::Spec)>;

/// Reads the spec, applies `operation` and writes the result with compare-and-set; where the spec
/// was changed meanwhile, begins again. After a lost answer it reads and applies again, so
/// `operation` must return a spec unchanged to which it was already applied. Blocks for `limit` and
/// one call of the store at most.
///
/// Returns the spec as it then stands in the store.
///
/// the operation's  refused: this request is not in the store
/// corrupt          the stored spec cannot be read
/// unavailable      not written: the store did not answer, or other writers came first each time
/// unknown_outcome  no answer: the request may be stored, now or a little later
[[nodiscard]] model::Result<model::Spec> change_spec(reconcilers::ports::ClusterStore& store,
                                                     const Operation& operation,
                                                     const Attempts& attempts);

/// Deletes the status of a node whose daemon does not run. Success: there is no such status now.
///
/// conflict         the status was written meanwhile: its daemon runs
/// unavailable      the store did not answer
/// unknown_outcome  no answer: it may be deleted, now or a little later
[[nodiscard]] model::Result<void> erase_member(reconcilers::ports::ClusterStore& store,
                                               const std::string& node,
                                               const Attempts& attempts);

}  // namespace control
