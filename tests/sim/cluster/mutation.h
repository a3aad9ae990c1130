// Rules taken away, by wrapping what the reconcilers see of the world: the invariants must notice.
// docs/protocol.md names each.
#pragma once

#include <memory>

#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/database.h"
#include "reconcilers/ports/kv_store.h"
#include "reconcilers/ports/log_store.h"

namespace sim {

enum class Mutation : std::uint8_t {
    none,
    no_warden,      // W1: nothing strikes
    no_expect,      // S2, S4: publishes expect nothing
    no_cas,         // L1: the record is written whatever is there
    no_tail,        // D2: the WAL is said to have every frame that is asked for
    no_read,        // S4: the last file before the marker is not read
    dead_too_soon,  // D8: a backend that was asked to stop is said to be dead
};

/// Each owns nothing but itself; `inner` outlives it. Null: this mutation leaves that port as it
/// is.
[[nodiscard]] std::unique_ptr<reconcilers::ports::KvStore> mutate(
    Mutation mutation, reconcilers::ports::KvStore& inner);
[[nodiscard]] std::unique_ptr<reconcilers::ports::LogStore> mutate(
    Mutation mutation, reconcilers::ports::LogStore& inner);
[[nodiscard]] std::unique_ptr<reconcilers::ports::Database> mutate(
    Mutation mutation, reconcilers::ports::Database& inner);
[[nodiscard]] std::unique_ptr<reconcilers::ports::Backend> mutate(
    Mutation mutation, reconcilers::ports::Backend& inner);

}  // namespace sim
