#include "adapters/json/service_store.h"

#include <utility>

#include "adapters/json/records.h"
#include "model/bytes.h"

namespace adapters::json {

using model::Result;
using reconcilers::ports::ServiceChanges;

Result<ServiceRecords> read_services(adapters::kv::KvStore& bucket) {
    auto all = bucket.list();
    if (!all) return std::move(all).error();
    ServiceRecords records;
    for (const auto& [key, value, revision] : *all) {
        auto entry = decode_service(model::to_text(value), key);
        if (entry) {
            records.entries.push_back(std::move(*entry));
        } else {
            records.unreadable.push_back({key, revision, std::move(entry).error().message});
        }
    }
    return records;
}

Result<ServiceChanges> KvServiceStore::changes() {
    auto taken = feed_.take();
    if (!taken) return std::move(taken).error().during("read the services");
    ServiceChanges changes{.whole = taken->whole};
    for (auto& [key, revision, erased, size, value] : taken->changes) {
        if (erased) {
            changes.erased.push_back({key, revision});
            continue;
        }
        // What is too large came without its bytes.
        auto entry =
            size > model::largest_service_record
                ? Result<model::ServiceEntry>{model::error(
                      model::Errc::corrupt, key + ": has " + std::to_string(size) + " bytes")}
                : decode_service(model::to_text(value), key);
        if (entry) {
            changes.written.push_back({std::move(*entry), revision});
        } else {
            changes.unreadable.push_back({key, revision, std::move(entry).error().message});
        }
    }
    return changes;
}

Result<model::Revision> KvServiceStore::write(const model::ServiceEntry& entry) {
    return bucket_.put(model::service_key(entry.name, entry.node_id),
                       model::to_bytes(encode(entry)));
}

Result<void> KvServiceStore::erase(const std::string& key, model::Revision expected) {
    return bucket_.erase(key, expected);
}

}  // namespace adapters::json
