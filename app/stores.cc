#include "app/stores.h"

#include <utility>

#include "adapters/json/records.h"
#include "model/bytes.h"

namespace app {
namespace {

using model::Result;
using model::Revision;
using reconcilers::ports::KvEntry;
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

Result<LeaseEntry> LeaseKv::read() {
    auto entry = bucket_.get(leader_key);
    if (!entry) return std::move(entry).error();
    absent_ = !entry->has_value();
    if (absent_) {
        // A key that never was, or one that somebody deleted. Only the stream can tell.
        auto last = bucket_.last_revision();
        if (!last) return std::move(last).error();
        return LeaseEntry{.record = {}, .revision = *last};
    }
    const auto& [key, value, revision] = **entry;
    auto record = adapters::json::decode_lease(model::to_text(value), key);
    if (!record) {
        // Garbage is somebody's lease until it was watched for the whole wait (L4).
        record = model::LeaseRecord{.node_id = "(unreadable)"};
    }
    if (record->nonce.empty()) record->nonce = "revision-" + std::to_string(revision.value);
    return LeaseEntry{.record = std::move(*record), .revision = revision};
}

Result<Revision> LeaseKv::write(const model::LeaseRecord& record, Revision expected) {
    auto written = bucket_.update(leader_key,
                                  model::to_bytes(adapters::json::encode(record)),
                                  absent_ ? Revision{} : expected);
    if (written) absent_ = false;
    return written;
}

Result<std::vector<StatusEntry>> ClusterKv::nodes() {
    auto entries = state_.list();
    if (!entries) return std::move(entries).error();
    std::vector<StatusEntry> nodes;
    for (const auto& entry : *entries) {
        if (entry.key.starts_with(node_prefix)) nodes.push_back(to_status(entry));
    }
    return nodes;
}

Result<std::optional<StatusEntry>> ClusterKv::node(const std::string& id) {
    auto entry = state_.get(node_key(id));
    if (!entry) return std::move(entry).error();
    if (!*entry) return std::optional<StatusEntry>{};
    return std::optional{to_status(**entry)};
}

Result<Revision> ClusterKv::write(const model::NodeStatus& status, Revision expected) {
    return state_.update(
        node_key(status.node_id), model::to_bytes(adapters::json::encode(status)), expected);
}

Result<void> ClusterKv::erase(const std::string& id, Revision expected) {
    return state_.erase(node_key(id), expected);
}

Result<SpecEntry> ClusterKv::spec() {
    auto entry = spec_.get(spec_key);
    if (!entry) return std::move(entry).error();
    if (!*entry) return SpecEntry{};
    auto spec = adapters::json::decode_spec(model::to_text((*entry)->value), spec_key.data());
    if (!spec) return std::move(spec).error();
    return SpecEntry{.spec = std::move(*spec), .revision = (*entry)->revision};
}

Result<Revision> ClusterKv::write(const model::Spec& spec, Revision expected) {
    return spec_.update(spec_key, model::to_bytes(adapters::json::encode(spec)), expected);
}

void ClusterKv::on_change(std::function<void()> wake) {
    state_.on_change(wake);
    spec_.on_change(std::move(wake));
}

}  // namespace app
