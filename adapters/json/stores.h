// The typed stores of the reconcilers' ports, as JSON records in KV buckets.
#pragma once

#include "adapters/kv/kv_store.h"
#include "reconcilers/ports/cluster_store.h"
#include "reconcilers/ports/lease_store.h"

namespace adapters::json {

/// The record `leader` of the election bucket.
class KvLeaseStore final : public reconcilers::ports::LeaseStore {
public:
    explicit KvLeaseStore(adapters::kv::KvStore& bucket) : bucket_{bucket} {}

    [[nodiscard]] model::Result<reconcilers::ports::LeaseEntry> read() override;
    [[nodiscard]] model::Result<model::Revision> write(const model::LeaseRecord& record,
                                                       model::Revision expected) override;
    [[nodiscard]] std::uint64_t connection_generation() const override {
        return bucket_.connection_generation();
    }
    void on_change(std::function<void()> wake) override { bucket_.on_change(std::move(wake)); }

private:
    adapters::kv::KvStore& bucket_;
    bool absent_ = false;  // at the last read: the next write creates the key
};

/// `nodes.*` of the state bucket and `spec` of the spec bucket.
class KvClusterStore final : public reconcilers::ports::ClusterStore {
public:
    KvClusterStore(adapters::kv::KvStore& state, adapters::kv::KvStore& spec)
        : state_{state}, spec_{spec} {}

    [[nodiscard]] model::Result<std::vector<reconcilers::ports::StatusEntry>> nodes() override;
    [[nodiscard]] model::Result<std::optional<reconcilers::ports::StatusEntry>> node(
        const std::string& id) override;
    [[nodiscard]] model::Result<model::Revision> write(const model::NodeStatus& status,
                                                       model::Revision expected) override;
    [[nodiscard]] model::Result<void> erase(const std::string& id,
                                            model::Revision expected) override;
    [[nodiscard]] model::Result<reconcilers::ports::SpecEntry> spec() override;
    [[nodiscard]] model::Result<model::Revision> write(const model::Spec& spec,
                                                       model::Revision expected) override;
    void on_change(std::function<void()> wake) override;

private:
    adapters::kv::KvStore& state_;
    adapters::kv::KvStore& spec_;
};

}  // namespace adapters::json
