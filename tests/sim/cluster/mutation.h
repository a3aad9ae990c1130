// Disables rules by wrapping the reconcilers' ports: the invariants must detect each.
// docs/protocol.md names them.
#pragma once

#include <memory>

#include "adapters/kv/kv_store.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/database.h"
#include "reconcilers/ports/log_store.h"

namespace sim {

enum class Mutation : std::uint8_t {
    none,
    no_warden,      // W1: nothing strikes
    no_expect,      // S2, S4: publishes expect nothing
    no_cas,         // L1: the record is written unconditionally; L6: only own markers are seen
    no_tail,        // D2: the WAL is reported to have every frame asked for
    no_read,        // S4: the last file before the marker is not read
    dead_too_soon,  // D8: a backend that was asked to stop is reported dead
    any_store,      // L12: every server is accepted as the cluster's store
    long_life,      // W4: the kernel keeps an address for longer than the lease
    no_unbind,      // D8, W1: nobody but the kernel's timer takes an address off
};

/// A wrapper around `inner`, which must outlive it. Null: this mutation does not change that port.
[[nodiscard]] std::unique_ptr<adapters::kv::KvStore> mutate(Mutation mutation,
                                                            adapters::kv::KvStore& inner);
[[nodiscard]] std::unique_ptr<reconcilers::ports::LogStore> mutate(
    Mutation mutation, reconcilers::ports::LogStore& inner);
[[nodiscard]] std::unique_ptr<reconcilers::ports::Database> mutate(
    Mutation mutation, reconcilers::ports::Database& inner);
[[nodiscard]] std::unique_ptr<reconcilers::ports::Backend> mutate(
    Mutation mutation, reconcilers::ports::Backend& inner);

}  // namespace sim
