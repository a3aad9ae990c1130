// Reads the log in order, and notices a store that went back. Rules S7 to S9 of docs/protocol.md.
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
    /// Goes on from there; verify() comes first.
    void resume(LogState state) {
        state_ = std::move(state);
        verified_ = 0;
    }
    /// Reads on from where this node itself wrote.
    void wrote(LogState state) { state_ = std::move(state); }

    /// S9, at each (re)start and reconnect: is what was read last still there? "" yes; else why the
    /// store is behind this node's memory. A message that retention took is no reason.
    [[nodiscard]] model::Result<std::string> verify();
    [[nodiscard]] bool verified() const { return verified_ == store_.session() && verified_ != 0; }

    /// The next meta, without folding it; empty at the end of the log as the stream's leader tells
    /// it.
    [[nodiscard]] model::Result<std::optional<model::StoredMeta>> peek();
    /// Folds a peeked meta into the state.
    [[nodiscard]] Folded take(const model::StoredMeta& meta) { return fold(state_, meta); }

private:
    ports::LogStore& store_;
    LogState state_;
    std::uint64_t verified_ = 0;  // the session in which verify() succeeded
};

/// Reads one object's chunks in order, a bounded piece at a time.
class Download {
public:
    explicit Download(model::StoredMeta meta) : meta_{std::move(meta)} {}

    /// Appends up to about `limit` bytes to `out`. True: all of it was read, in the size and with
    /// the digest that the meta names. not_found: chunks are missing (deleted meanwhile: plan
    /// anew). corrupt: another size or digest. After any other error, and not_found, nothing was
    /// appended, and the same call goes on where it was.
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
    std::unique_ptr<ports::Digest> digest_;  // of what was received
};

}  // namespace reconcilers::replica
