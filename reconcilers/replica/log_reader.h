// Reads the log in order, and detects a store that lost messages. Rules S7 to S9 of
// docs/protocol.md.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "model/object.h"
#include "model/result.h"
#include "reconcilers/ports/log_store.h"
#include "reconcilers/replica/log_state.h"

namespace reconcilers::replica {

class LogReader {
public:
    explicit LogReader(ports::LogStore& store) : store_{store} {}

    [[nodiscard]] const LogState& state() const { return state_; }
    /// Continues from `state`; verify() must succeed first.
    void resume(LogState state) {
        state_ = std::move(state);
        verified_ = 0;
    }
    /// Sets the state after writes of this node, without reading them.
    void wrote(LogState state) { state_ = std::move(state); }

    /// S9, at each start and reconnect: checks that the message read last is still there. "": it
    /// is; else why the store is behind this node's memory. A message removed by retention does not
    /// count.
    [[nodiscard]] model::Result<std::string> verify();
    [[nodiscard]] bool verified() const {
        return verified_ == store_.connection_generation() && verified_ != 0;
    }

    /// The next meta, not yet folded into state(); empty at the end of the log, as the stream's
    /// leader reports it.
    [[nodiscard]] model::Result<std::optional<model::StoredMeta>> peek();

private:
    ports::LogStore& store_;
    LogState state_;
    std::uint64_t verified_ = 0;  // the connection generation in which verify() succeeded
};

/// Reads the chunks of one object in order, in bounded pieces.
class Download {
public:
    explicit Download(model::StoredMeta meta) : meta_{std::move(meta)} {}

    /// Appends up to about `limit` bytes to `out`. True: the object is complete, with the size and
    /// digest that its meta names. not_found: chunks are missing (deleted meanwhile: plan again).
    /// corrupt: size or digest differ. After not_found and any other error nothing was appended,
    /// and the same call continues where it was.
    [[nodiscard]] model::Result<bool> read(ports::LogStore& store,
                                           std::uint64_t limit,
                                           model::Bytes& out);
    [[nodiscard]] const model::StoredMeta& meta() const { return meta_; }
    [[nodiscard]] std::uint64_t received() const { return received_; }

private:
    model::StoredMeta meta_;
    model::Sequence next_;
    std::uint64_t received_ = 0;
    std::uint64_t chunks_ = 0;
    std::unique_ptr<ports::Digest> digest_;  // of the bytes received so far
};

}  // namespace reconcilers::replica
