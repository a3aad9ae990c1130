#include "adapters/json/stores.h"

#include <utility>

#include "adapters/json/records.h"
#include "model/bytes.h"

namespace adapters::json {
namespace {

using adapters::kv::KvEntry;
using model::Result;
using model::Revision;
using reconcilers::ports::LeaseEntry;
using reconcilers::ports::SpecEntry;
using reconcilers::ports::StatusEntry;

constexpr std::string_view leader_key = "leader";
constexpr std::string_view spec_key = "spec";
constexpr std::string_view node_prefix = "nodes.";

std::string node_key(const std::string& id) { return std::string{node_prefix} + id; }

StatusEntry to_status(const KvEntry& entry) {
    auto status = adapters::json::decode_status(model::to_text(entry.value), entry.key);
    StatusEntry result{.status = {}, .revision = entry.revision, .readable = status.has_value()};
    if (status) {
        result.status = std::move(*status);
    } else {
        result.status.schema = 0;
    }
    result.status.node_id = entry.key.substr(node_prefix.size());  // the key names the node
    return result;
}

}  // namespace

Result<LeaseEntry> KvLeaseStore::read() {
    auto entry = bucket_.get(leader_key);
    if (!entry) return std::move(entry).error();
    absent_ = !entry->has_value();
    if (absent_) {
        // The key never existed, or somebody deleted it; the last sequence of the stream tells
        // which.
        auto last = bucket_.last_revision();
        if (!last) return std::move(last).error();
        return LeaseEntry{.record = {}, .revision = *last};
    }
    const auto& [key, value, revision] = **entry;
    auto record = adapters::json::decode_lease(model::to_text(value), key);
    if (!record) {
        // An unreadable record counts as somebody's lease until it was watched for the whole wait
        // (L4).
        record = model::LeaseRecord{.node_id = "(unreadable)"};
    }
    if (record->nonce.empty()) record->nonce = "revision-" + std::to_string(revision.value);
    return LeaseEntry{.record = std::move(*record), .revision = revision};
}

Result<Revision> KvLeaseStore::write(const model::LeaseRecord& record, Revision expected) {
    auto written = bucket_.update(leader_key,
                                  model::to_bytes(adapters::json::encode(record)),
                                  absent_ ? Revision{} : expected);
    if (written) absent_ = false;
    return written;
}

Result<std::vector<StatusEntry>> KvClusterStore::nodes() {
    auto entries = state_.list();
    if (!entries) return std::move(entries).error();
    std::vector<StatusEntry> nodes;
    for (const auto& entry : *entries) {
        if (entry.key.starts_with(node_prefix)) nodes.push_back(to_status(entry));
    }
    return nodes;
}

Result<std::optional<StatusEntry>> KvClusterStore::node(const std::string& id) {
    auto entry = state_.get(node_key(id));
    if (!entry) return std::move(entry).error();
    if (!*entry) return std::optional<StatusEntry>{};
    return std::optional{to_status(**entry)};
}

Result<Revision> KvClusterStore::write(const model::NodeStatus& status, Revision expected) {
    return state_.update(
        node_key(status.node_id), model::to_bytes(adapters::json::encode(status)), expected);
}

Result<void> KvClusterStore::erase(const std::string& id, Revision expected) {
    return state_.erase(node_key(id), expected);
}

Result<SpecEntry> KvClusterStore::spec() {
    auto entry = spec_.get(spec_key);
    if (!entry) return std::move(entry).error();
    if (!*entry) return SpecEntry{};
    auto spec = adapters::json::decode_spec(model::to_text((*entry)->value), spec_key.data());
    if (!spec) return std::move(spec).error();
    return SpecEntry{.spec = std::move(*spec), .revision = (*entry)->revision};
}

Result<Revision> KvClusterStore::write(const model::Spec& spec, Revision expected) {
    return spec_.update(spec_key, model::to_bytes(adapters::json::encode(spec)), expected);
}

void KvClusterStore::on_change(std::function<void()> wake) {
    state_.on_change(wake);
    spec_.on_change(std::move(wake));
}

}  // namespace adapters::json
