// Publishes objects into the fenced log, one at a time: the only place of this node that does.
// Rules S1 to S3 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "model/object.h"
#include "model/result.h"
#include "reconcilers/ports/log_store.h"

namespace reconcilers::replica {

/// Bytes on their way to the stream under one nuid.
class Upload {
public:
    Upload(ports::LogStore& store, std::string nuid);

    [[nodiscard]] const std::string& nuid() const { return nuid_; }
    /// Takes bytes over. They count for size and digest at once.
    void append(model::ByteView bytes);
    /// No more bytes come.
    void close() { closed_ = true; }
    /// Bytes taken over and not yet in the stream.
    [[nodiscard]] std::uint64_t waiting() const { return buffer_.size() - sent_; }

    /// Publishes at most `pieces` chunks of 128 KiB (a shorter one only at the end), the first
    /// expecting `last`, which then names the newest. True: all of a closed upload is in the
    /// stream. Errors as LogStore's; after conflict and unknown_outcome this upload is of no use
    /// any more.
    [[nodiscard]] model::Result<bool> send(int pieces, model::Sequence& last);

    /// Size, chunks and digest into a meta of this upload. Once, when send() returned true.
    void describe(model::ObjectMeta& meta);

private:
    ports::LogStore& store_;
    std::string nuid_;
    model::Bytes buffer_;
    std::uint64_t sent_ = 0;
    std::uint64_t size_ = 0;
    std::uint64_t chunks_ = 0;
    bool closed_ = false;
    std::unique_ptr<ports::Digest> digest_;
};

}  // namespace reconcilers::replica
