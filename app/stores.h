// The typed stores that reconcilers need, over KV buckets and JSON.
#pragma once

#include "reconcilers/ports/cluster_store.h"
#include "reconcilers/ports/kv_store.h"
#include "reconcilers/ports/lease_store.h"

namespace app {

/// The record `leader` of the election bucket.
class LeaseKv final : public reconcilers::ports::LeaseStore {
public:
    explicit LeaseKv(reconcilers::ports::KvStore& bucket) : bucket_{bucket} {}

    [[nodiscard]] model::Result<reconcilers::ports::LeaseEntry> read() override;
    [[nodiscard]] model::Result<model::Revision> write(const model::LeaseRecord& record,
                                                       model::Revision expected) override;
    [[nodiscard]] std::uint64_t session() const override { return bucket_.session(); }
    void on_change(std::function<void()> wake) override { bucket_.on_change(std::move(wake)); }

private:
    reconcilers::ports::KvStore& bucket_;
    bool absent_ = false;  // as of the last read: the next write makes the key
};

/// `nodes.*` of the state bucket and `spec` of the spec bucket.
class ClusterKv final : public reconcilers::ports::ClusterStore {
public:
    ClusterKv(reconcilers::ports::KvStore& state, reconcilers::ports::KvStore& spec)
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
    reconcilers::ports::KvStore& state_;
    reconcilers::ports::KvStore& spec_;
};

}  // namespace app
