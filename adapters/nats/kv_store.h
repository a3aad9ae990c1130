// A KV bucket in JetStream. Wire format: NATS ADR-8, "JetStream based Key-Value Stores".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "adapters/nats/jetstream.h"
#include "adapters/nats/watch.h"
#include "reconcilers/ports/kv_store.h"

namespace adapters::nats {

struct KvOptions {
    std::string bucket;  // A-Z a-z 0-9 _ -
    int replicas = 0;    // of a bucket that ensure() makes; 0: three where possible, else one
    /// ensure() removes the age limit of an existing bucket: a lease record must never expire.
    bool remove_age = false;
};

/// Keys are A-Z a-z 0-9 - _ . / \ =, without a dot at either end and without two in a row; any
/// other is invalid. Each call but ensure() is over within the connection's timeout. Thread-safe. A
/// bucket that does not exist is unavailable.
class KvStore final : public reconcilers::ports::KvStore {
public:
    KvStore(std::shared_ptr<Connection> connection, KvOptions options);

    /// Makes the bucket where it is absent: history 1, no age limit, in files. An existing one
    /// keeps data and configuration.
    /// unavailable: not settled; call again. invalid: the server refuses it, or the name is wrong.
    [[nodiscard]] model::Result<Ensured> ensure();

    [[nodiscard]] model::Result<std::optional<reconcilers::ports::KvEntry>> get(
        std::string_view key) override;
    [[nodiscard]] model::Result<std::vector<reconcilers::ports::KvEntry>> list() override;
    [[nodiscard]] model::Result<model::Revision> update(std::string_view key,
                                                        model::ByteView value,
                                                        model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> put(std::string_view key,
                                                     model::ByteView value) override;
    [[nodiscard]] model::Result<void> erase(std::string_view key,
                                            model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> last_revision() override;
    [[nodiscard]] std::uint64_t session() const override;
    void on_change(std::function<void()> wake) override;

private:
    [[nodiscard]] std::string subject(std::string_view key) const;
    [[nodiscard]] model::Result<model::Revision> compare_and_set(Outgoing message,
                                                                 model::Revision expected,
                                                                 bool may_create);

    KvOptions options_;
    JetStream jetstream_;
    std::unique_ptr<Watch> watch_;
};

}  // namespace adapters::nats
