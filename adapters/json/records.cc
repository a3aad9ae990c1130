#include "adapters/json/records.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/json/fields.h"
#include "model/names.h"
#include "model/wall_time.h"

namespace adapters::json {
namespace {

using Json = nlohmann::json;
using model::Errc;

/// On one line. Text that is not UTF-8 is repaired, not refused: a record must always be writable.
std::string to_line(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// `known` and the fields that a newer version wrote and this one does not know.
Json merged(Json known, const std::string& unknown_fields) {
    if (unknown_fields.empty()) return known;
    auto rest = Json::parse(unknown_fields, nullptr, false);  // as Fields::rest() wrote it
    if (!rest.is_object()) return known;
    for (auto& [name, value] : rest.items()) {
        if (!known.contains(name)) known[name] = std::move(value);
    }
    return known;
}

void put(Json& object, const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
}

model::Role read_role(Fields& fields) {
    return fields.text("role") == "PRIMARY" ? model::Role::primary : model::Role::passive;
}

std::optional<model::Lag> read_lag(Fields& fields) {
    auto inner = fields.object("lag");
    if (!inner) return std::nullopt;
    const model::Lag lag{
        inner->number("transactions"), inner->number("bytes"), inner->integer("ms")};
    fields.include(*inner);
    return lag;
}

std::vector<model::Condition> read_conditions(Fields& fields) {
    std::vector<model::Condition> list;
    for (auto& each : fields.objects("conditions")) {
        model::Condition condition;
        const auto type = model::parse_condition_type(each.text("type"));
        condition.known = !each.is_null("status");  // a version before this one reads false
        condition.status = each.boolean("status");
        condition.reason = each.text("reason");
        condition.message = each.text("message");
        condition.since = each.time("since");
        condition.epoch = {each.number("epoch")};
        fields.include(each);
        // A condition of a newer version that this one does not know.
        if (!type) continue;
        condition.type = *type;
        list.push_back(std::move(condition));
    }
    return list;
}

Json to_json(const model::Condition& condition) {
    Json json{{"type", to_text(condition.type)},
              {"status", condition.status},
              {"reason", condition.reason},
              {"since", model::to_rfc3339(condition.since)},
              {"epoch", condition.epoch.value}};
    put(json, "message", condition.message);
    if (!condition.known) json["status"] = nullptr;
    return json;
}

}  // namespace

std::string encode(const model::LeaseRecord& record) {
    Json json{{"nodeId", record.node_id},
              {"machineId", record.host.machine_id},
              {"bootId", record.host.boot_id},
              {"nonce", record.nonce},
              {"epoch", record.epoch.value},
              {"state", record.state == model::LeaseRecord::State::held ? "held" : "released"},
              {"members", record.members},
              {"ttlMs", record.ttl_ms},
              {"txid", record.txid.value},
              {"renewedAt", model::to_rfc3339(record.renewed_at)},
              {"schema", record.schema}};
    put(json, "heldNonce", record.held_nonce);
    put(json, "successor", record.successor);
    return to_line(merged(std::move(json), record.unknown_fields));
}

model::Result<model::LeaseRecord> decode_lease(std::string_view text, std::string_view key) {
    if (model::why_no_node_id(text).empty()) {
        model::LeaseRecord foreign;
        foreign.node_id = std::string{text};
        foreign.schema = 0;
        return foreign;
    }
    auto opened = Fields::open(text, key);
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::LeaseRecord record;
    record.schema = fields.schema_known();
    record.node_id = fields.text("nodeId");
    record.host = {fields.text("machineId"), fields.text("bootId")};
    record.nonce = fields.text("nonce");
    record.epoch = {fields.number("epoch")};
    const auto state = fields.text("state");
    record.state =
        state == "released" ? model::LeaseRecord::State::released : model::LeaseRecord::State::held;
    record.held_nonce = fields.text("heldNonce");
    record.members = fields.texts("members");
    record.ttl_ms = fields.integer("ttlMs");
    record.txid = {fields.number("txid")};
    record.successor = fields.text("successor");
    record.renewed_at = fields.time("renewedAt");
    record.unknown_fields = fields.rest();
    if (record.node_id.empty()) fields.fail("nodeId", "is missing");
    if (record.nonce.empty()) fields.fail("nonce", "is missing");
    if (record.epoch.value == 0) fields.fail("epoch", "is missing");
    if (state != "held" && state != "released") fields.fail("state", "is not held or released");
    if (record.ttl_ms < 0) fields.fail("ttlMs", "is negative");
    if (fields.error()) return *fields.error();
    return record;
}

std::string encode(const model::NodeStatus& status) {
    Json json{{"nodeId", status.node_id},
              {"clusterId", status.cluster_id},
              {"role", to_text(status.role)},
              {"backendStatus", status.backend_status},
              {"lastSeen", model::to_rfc3339(status.last_seen)},
              {"leader", status.leader},
              {"epoch", status.epoch.value},
              {"tenure", status.position.tenure.value},
              {"txid", status.position.txid.value},
              {"hasDatabase", status.has_database},
              {"copyComplete", status.copy_complete},
              {"fit", status.fit},
              {"uptimeMs", status.uptime_ms},
              {"heartbeatMs", status.heartbeat_ms},
              {"addresses", status.addresses},
              {"apiUrl", status.api_url},
              {"incarnation", status.incarnation},
              {"machineId", status.host.machine_id},
              {"bootId", status.host.boot_id},
              {"priority", status.priority},
              {"nofailover", status.nofailover},
              {"setAside", status.set_aside},
              {"alarm", status.alarm},
              {"schema", status.schema}};
    if (status.leader_unknown) json["leaderUnknown"] = true;
    put(json, "version", status.version);
    put(json, "unfitBecause", status.unfit_because);
    put(json, "releasedBecause", status.released_because);
    if (status.store.any_stream()) {
        json["store"] = Json::object();
        put(json["store"], "election", status.store.election.value_or(""));
        put(json["store"], "state", status.store.state.value_or(""));
        put(json["store"], "log", status.store.log.value_or(""));
    }
    json["conditions"] = Json::array();
    for (const auto& condition : status.conditions)
        json["conditions"].push_back(to_json(condition));
    if (status.lag) {
        json["lag"] = {{"transactions", status.lag->transactions},
                       {"bytes", status.lag->bytes},
                       {"ms", status.lag->ms}};
    }
    if (status.switchover) {
        json["switchover"] = {{"id", status.switchover->id},
                              {"done", status.switchover->done},
                              {"reason", status.switchover->reason}};
    }
    return to_line(merged(std::move(json), status.unknown_fields));
}

model::Result<model::NodeStatus> decode_status(std::string_view text, std::string_view key) {
    auto opened = Fields::open(text, key);
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::NodeStatus status;
    status.schema = fields.schema_known();
    status.node_id = fields.text("nodeId");
    status.cluster_id = fields.text("clusterId");
    status.role = read_role(fields);
    status.backend_status = fields.text("backendStatus");
    status.last_seen = fields.time("lastSeen");
    status.version = fields.text("version");
    status.leader = fields.text("leader");
    status.leader_unknown = fields.boolean("leaderUnknown");
    status.epoch = {fields.number("epoch")};
    status.position = {{fields.number("tenure")}, {fields.number("txid")}};
    status.lag = read_lag(fields);
    status.has_database = fields.boolean("hasDatabase");
    status.copy_complete = fields.boolean("copyComplete");
    status.fit = fields.boolean("fit");
    status.unfit_because = fields.text("unfitBecause");
    status.released_because = fields.text("releasedBecause");
    status.uptime_ms = fields.integer("uptimeMs");
    status.heartbeat_ms = fields.integer("heartbeatMs");
    status.conditions = read_conditions(fields);
    status.addresses = fields.texts("addresses");
    status.api_url = fields.text("apiUrl");
    status.incarnation = fields.text("incarnation");
    status.host = {fields.text("machineId"), fields.text("bootId")};
    status.priority = fields.small("priority", 100);
    status.nofailover = fields.boolean("nofailover");
    status.set_aside = fields.texts("setAside");
    status.alarm = fields.text("alarm");
    if (auto outcome = fields.object("switchover")) {
        status.switchover = {
            outcome->text("id"), outcome->boolean("done"), outcome->text("reason")};
        fields.include(*outcome);
    }
    if (auto store = fields.object("store")) {
        const auto stream = [&store](const char* name) {
            auto created = store->text(name);
            // An empty identity and an absent one are not distinguished in the record.
            return created.empty() ? std::nullopt : std::optional{std::move(created)};
        };
        status.store = {stream("election"), stream("state"), stream("log")};
        fields.include(*store);
    }
    status.unknown_fields = fields.rest();
    if (status.node_id.empty()) fields.fail("nodeId", "is missing");
    if (fields.error()) return *fields.error();
    return status;
}

model::Result<model::NodeStatus> decode_status_page(std::string_view text) {
    auto opened = Fields::open(text, "/status");
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::NodeStatus status;
    status.node_id = fields.text("node");
    status.cluster_id = fields.text("cluster");
    status.role = read_role(fields);
    status.leader = fields.text("leader");
    status.leader_unknown = fields.boolean("leaderUnknown");
    status.epoch = {fields.number("epoch")};
    if (auto replication = fields.object("replication")) {
        status.position = {{replication->number("tenure")}, {replication->number("txid")}};
        status.has_database = replication->boolean("hasDatabase");
        status.copy_complete = replication->boolean("copyComplete");
        status.fit = replication->boolean("fit");
        status.unfit_because = replication->text("unfitBecause");
        status.released_because = replication->text("releasedBecause");
        status.lag = read_lag(*replication);
        status.set_aside = replication->texts("setAside");
        fields.include(*replication);
    }
    if (auto backend = fields.object("backend")) {
        status.backend_status = backend->text("status");
        fields.include(*backend);
    }
    status.conditions = read_conditions(fields);
    status.alarm = fields.text("alarm");
    status.version = fields.text("version");
    status.uptime_ms = fields.integer("uptimeMs");
    status.last_seen = fields.time("lastSeen");
    if (status.node_id.empty()) fields.fail("node", "is missing");
    if (fields.error()) return *fields.error();
    return status;
}

model::Result<model::NodeStatus> decode_micro_status(std::string_view text) {
    auto opened = Fields::open(text, "the micro service's status");
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::NodeStatus status;
    status.node_id = fields.text("nodeId");
    status.cluster_id = fields.text("clusterId");
    status.role = read_role(fields);
    status.leader = fields.text("leader");
    status.backend_status = fields.text("backendStatus");
    if (fields.has("replicationLag"))
        status.lag = model::Lag{.ms = fields.integer("replicationLag")};
    status.position.txid = {fields.number("walSequence")};
    status.uptime_ms = fields.integer("uptimeMs");
    status.epoch = {fields.number("epoch")};
    if (fields.has("leaseHeld")) {
        status.conditions.push_back({.type = model::ConditionType::lease_held,
                                     .status = fields.boolean("leaseHeld"),
                                     .message = fields.text("waitingFor")});
    }
    if (status.node_id.empty()) fields.fail("nodeId", "is missing");
    if (fields.error()) return *fields.error();
    return status;
}

std::string encode(const model::Spec& spec) {
    Json json{{"paused", spec.paused}, {"leave", spec.leave}, {"schema", spec.schema}};
    if (spec.switchover) {
        json["switchover"] = {{"id", spec.switchover->id},
                              {"to", spec.switchover->to},
                              {"from", spec.switchover->from},
                              {"force", spec.switchover->force}};
    }
    return to_line(merged(std::move(json), spec.unknown_fields));
}

model::Result<model::Spec> decode_spec(std::string_view text, std::string_view key) {
    auto opened = Fields::open(text, key);
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::Spec spec;
    spec.schema = fields.schema_known();
    spec.paused = fields.boolean("paused");
    spec.leave = fields.texts("leave");
    if (auto request = fields.object("switchover")) {
        spec.switchover = {.id = request->text("id"),
                           .to = request->text("to"),
                           .from = request->text("from"),
                           .force = request->boolean("force")};
        if (spec.switchover->id.empty()) request->fail("id", "is missing");
        fields.include(*request);
    }
    spec.unknown_fields = fields.rest();
    if (fields.error()) return *fields.error();
    return spec;
}

std::string encode(const model::ServiceEntry& entry) {
    Json json{{"name", entry.name},
              {"node_id", entry.node_id},
              {"address", entry.address},
              {"port", entry.port},
              {"protocol", entry.protocol},
              {"path", entry.path},
              {"metadata", entry.metadata},
              {"tags", entry.tags},
              {"health", to_text(entry.health)},
              {"registered_at", model::to_rfc3339(entry.registered_at)},
              {"updated_at", model::to_rfc3339(entry.updated_at)},
              {"schema", entry.schema}};
    put(json, "health_reason", entry.health_reason);
    put(json, "role", entry.role);
    if (entry.internal) json["internal"] = true;
    return to_line(merged(std::move(json), entry.unknown_fields));
}

model::Result<model::ServiceEntry> decode_service(std::string_view text, std::string_view key) {
    const auto owner = model::parse_service_key(key);
    if (!owner) return error(Errc::corrupt, std::string{key} + ": " + owner.error().message);
    if (text.size() > model::largest_service_record) {
        return error(Errc::corrupt,
                     std::string{key} + ": has " + std::to_string(text.size()) + " bytes");
    }
    auto opened = Fields::open(text, key);
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::ServiceEntry entry;
    entry.schema = fields.schema_known();
    entry.name = fields.text("name");
    entry.node_id = fields.text("node_id");
    entry.address = fields.text("address");
    const auto port = fields.integer("port");
    entry.protocol = fields.text("protocol");
    entry.path = fields.text("path");
    entry.metadata = fields.text_map("metadata");
    entry.tags = fields.texts("tags");
    const auto health = model::parse_service_health(fields.text("health"));
    entry.registered_at = fields.time("registered_at");
    entry.updated_at = fields.time("updated_at");
    entry.health_reason = fields.text("health_reason");
    entry.role = fields.text("role");
    entry.internal = fields.boolean("internal");
    entry.unknown_fields = fields.rest();
    // The key decides whose entry it is, so that no record speaks for another node.
    if (entry.name != owner->first) fields.fail("name", "is not the key's");
    if (entry.node_id != owner->second) fields.fail("node_id", "is not the key's");
    if (entry.address.empty()) fields.fail("address", "is missing");
    if (port < 1 || port > 65535) fields.fail("port", "is not from 1 to 65535");
    if (!health) fields.fail("health", "is not passing, warning, critical or standby");
    if (fields.error()) return *fields.error();
    entry.port = static_cast<std::uint16_t>(port);
    entry.health = *health;
    return entry;
}

}  // namespace adapters::json
