// The object stream of one bucket in JetStream. Wire format: NATS ADR-20, "Object Store",
// implemented directly because it must differ in two points: no rollup header (servers up to 2.9.11
// lose messages of lagging readers), and an expected last sequence on every message but the epoch
// marker.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "adapters/nats/jetstream.h"
#include "adapters/nats/watch.h"
#include "reconcilers/ports/log_store.h"

namespace adapters::nats {

struct LogOptions {
    std::string bucket;  // A-Z a-z 0-9 _ -
    int replicas = 0;    // for a bucket that ensure() makes; 0: three where possible, else one
};

/// Each call takes up to the connection's timeout, publish_chunks() included. Thread-safe, but only
/// one writer at a time. Errors of reads: unavailable, also where the bucket does not exist.
class LogStore final : public reconcilers::ports::LogStore {
public:
    LogStore(std::shared_ptr<Connection> connection, LogOptions options);

    /// Creates the bucket where it is absent; an existing one keeps its data and configuration.
    /// unavailable: not known whether it exists; call again. invalid: the server refuses it, or the
    /// name is invalid.
    [[nodiscard]] model::Result<Ensured> ensure();
    /// Whether the bucket exists, for clients whose reads must not create it. unavailable: not
    /// known.
    [[nodiscard]] model::Result<bool> exists();

    [[nodiscard]] model::Result<reconcilers::ports::StreamState> state() override;
    [[nodiscard]] model::Result<model::Sequence> publish_chunks(
        std::string_view nuid,
        const std::vector<model::ByteView>& pieces,
        model::Sequence last) override;
    [[nodiscard]] model::Result<model::Sequence> publish_meta(
        const model::ObjectMeta& meta, std::optional<model::Sequence> last) override;
    [[nodiscard]] model::Result<std::optional<model::StoredMeta>> next_meta(
        model::Sequence from) override;
    /// Chunks are read from any replica; only the leader decides that there are no more.
    [[nodiscard]] model::Result<std::optional<reconcilers::ports::Chunk>> next_chunk(
        std::string_view nuid, model::Sequence from) override;
    [[nodiscard]] model::Result<void> erase(model::Sequence sequence) override;
    [[nodiscard]] std::string new_nuid() override;
    [[nodiscard]] std::unique_ptr<reconcilers::ports::Digest> new_digest() override;
    [[nodiscard]] std::uint64_t connection_generation() const override;
    void on_change(std::function<void()> wake) override;

private:
    [[nodiscard]] bool reads_from_replicas(Deadline until);
    [[nodiscard]] std::string chunk_subject(std::string_view nuid) const;
    [[nodiscard]] std::string meta_subject(std::string_view token) const;

    LogOptions options_;
    JetStream jetstream_;
    std::atomic<std::uint64_t> asked_in_generation_ = 0;  // 0: never asked
    std::atomic<bool> allows_direct_ = false;
    std::unique_ptr<Watch> watch_;
};

}  // namespace adapters::nats
