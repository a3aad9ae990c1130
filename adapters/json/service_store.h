// The registry's bucket as typed entries.
#pragma once

#include "adapters/kv/kv_feed.h"
#include "adapters/kv/kv_store.h"
#include "reconcilers/ports/service_store.h"

namespace adapters::json {

/// One record of a bucket, or why it is none.
struct ServiceRecords {
    std::vector<model::ServiceEntry> entries;  // sorted by key
    std::vector<model::UnreadableService> unreadable;
};
/// All of it, for who asks once. Errors: as KvStore::list.
[[nodiscard]] model::Result<ServiceRecords> read_services(adapters::kv::KvStore& bucket);

/// `<service>/<node>` of the services bucket, over a feed of the same. Both outlive it.
class KvServiceStore final : public reconcilers::ports::ServiceStore {
public:
    KvServiceStore(adapters::kv::KvStore& bucket, adapters::kv::KvFeed& feed)
        : bucket_{bucket}, feed_{feed} {}

    [[nodiscard]] model::Result<reconcilers::ports::ServiceChanges> changes() override;
    [[nodiscard]] model::Result<model::Revision> write(const model::ServiceEntry& entry) override;
    [[nodiscard]] model::Result<void> erase(const std::string& key,
                                            model::Revision expected) override;
    void on_change(std::function<void()> wake) override { feed_.on_change(std::move(wake)); }

private:
    adapters::kv::KvStore& bucket_;
    adapters::kv::KvFeed& feed_;
};

}  // namespace adapters::json
