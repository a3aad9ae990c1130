// Publishes objects into the fenced log, one at a time; nothing else in a node does. Rules S1 to S3
// of docs/protocol.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "model/object.h"
#include "model/result.h"
#include "reconcilers/ports/log_store.h"

namespace reconcilers::replica {

/// An object being uploaded to the stream under one nuid.
class Upload {
public:
    Upload(ports::LogStore& store, std::string nuid);

    [[nodiscard]] const std::string& nuid() const { return nuid_; }
    /// Queues bytes and adds them to size and digest.
    void append(model::ByteView bytes);
    /// Marks the end of the object.
    void close() { closed_ = true; }
    /// Bytes queued and not yet in the stream.
    [[nodiscard]] std::uint64_t waiting() const { return buffer_.size() - sent_; }

    /// Publishes up to `pieces` chunks of 128 KiB (only the last of the object may be shorter), the
    /// first expecting `last`, which is updated to the newest sequence. True: the object is closed
    /// and completely in the stream. Errors as LogStore's; after conflict and unknown_outcome this
    /// upload cannot be continued.
    [[nodiscard]] model::Result<bool> send(int pieces, model::Sequence& last);

    /// Sets nuid, size, chunks and digest of the meta. Once, when send() has returned true.
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
