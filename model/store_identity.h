// Which store a connection reached. nats-servers that do not share one JetStream cannot be
// distinguished by their names, only by their contents. Rule L12 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace model {

/// The creation times of a cluster's streams, in nanoseconds as the server reports them. "": the
/// stream does not exist. Empty: not known, there was no answer for it.
struct StoreIdentity {
    std::optional<std::string> election;
    std::optional<std::string> state;
    std::optional<std::string> log;

    /// At least one of the streams exists.
    [[nodiscard]] bool any_stream() const;
    /// Every stream exists.
    [[nodiscard]] bool every_stream() const;
    /// There was an answer for every stream, and none exists.
    [[nodiscard]] bool surely_empty() const;
    friend bool operator==(const StoreIdentity&, const StoreIdentity&) = default;
};

enum class StoreMatch : std::uint8_t { same, other, unknown };

/// Whether `here` is the store that has the streams of `known`. One stream in common is enough:
/// other streams that are absent or have another time were deleted or recreated in that same store.
/// unknown: `known` names no stream, or there was no answer for one that it names.
[[nodiscard]] StoreMatch compare(const StoreIdentity& known, const StoreIdentity& here);

/// `before`, updated with everything that `now` knows.
[[nodiscard]] StoreIdentity merge(StoreIdentity before, const StoreIdentity& now);

/// For people: "election of 2026-01-02T03:04:05.678901234Z, no state, log not known".
[[nodiscard]] std::string to_text(const StoreIdentity& identity);

}  // namespace model
