// A KV bucket in JetStream. Wire format: NATS ADR-8, "JetStream based Key-Value Stores".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/kv/kv_store.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/jetstream.h"
#include "adapters/nats/watch.h"

namespace adapters::nats {

struct KvOptions {
    std::string bucket;  // A-Z a-z 0-9 _ -
    int replicas = 0;    // for a bucket that ensure() makes; 0: three where possible, else one
    /// ensure() removes the age limit of an existing bucket, because a lease record must not
    /// expire.
    bool remove_age = false;
    /// For clients, whose reads must not create anything: an absent bucket reads as an empty one,
    /// and the first write creates it. Not for a node: to a node, an absent bucket means that the
    /// store lost it.
    bool created_by_write = false;
    /// A write expects the key's revision alone: in a bucket of many keys with many writers the
    /// stream's last sequence is nearly always another. Only where nobody is harmed by two writers
    /// that both win, as they may on R3 with servers before 2.9.21.
    bool key_alone = false;
};

/// Keys consist of A-Z a-z 0-9 - _ . / \ =, without a dot at either end or two in a row; any other
/// is invalid. Each call but ensure() returns within the connection's timeout, a write that creates
/// the bucket within twice that. Thread-safe. An absent bucket is unavailable.
class KvStore final : public adapters::kv::KvStore {
public:
    KvStore(std::shared_ptr<Connection> connection, KvOptions options);

    /// Creates the bucket where it is absent: history 1, no age limit, file storage. An existing
    /// one keeps its data and configuration.
    /// unavailable: not known whether it exists; call again. invalid: the server refuses it, or the
    /// name is invalid.
    [[nodiscard]] model::Result<Ensured> ensure();

    [[nodiscard]] model::Result<std::optional<adapters::kv::KvEntry>> get(
        std::string_view key) override;
    [[nodiscard]] model::Result<std::vector<adapters::kv::KvEntry>> list() override;
    [[nodiscard]] model::Result<model::Revision> update(std::string_view key,
                                                        model::ByteView value,
                                                        model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> put(std::string_view key,
                                                     model::ByteView value) override;
    [[nodiscard]] model::Result<void> erase(std::string_view key,
                                            model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> last_revision() override;
    [[nodiscard]] std::uint64_t connection_generation() const override;
    void on_change(std::function<void()> wake) override;

private:
    [[nodiscard]] std::string subject(std::string_view key) const;
    [[nodiscard]] bool reads_as_empty(const model::Error& failure) const;
    [[nodiscard]] model::Result<model::Revision> compare_and_set(Outgoing message,
                                                                 model::Revision expected,
                                                                 bool may_create);

    KvOptions options_;
    JetStream jetstream_;
    std::unique_ptr<Watch> watch_;
};

}  // namespace adapters::nats
