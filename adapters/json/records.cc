#include "adapters/json/records.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "model/config.h"
#include "model/wall_time.h"

namespace adapters::json {
namespace {

using Json = nlohmann::json;
using model::Errc;

constexpr int schema = 1;
constexpr int deepest = 64;  // the library writes a nested value by recursion

/// corrupt: no JSON, nested too deep, or a number that no type holds.
model::Result<Json> parse(std::string_view text) {
    bool too_deep = false;
    const auto watch = [&too_deep](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > deepest;
        return !too_deep;
    };
    auto parsed = Json::parse(text, watch, false);
    if (too_deep) return error(Errc::corrupt, "nested too deep");
    if (parsed.is_discarded()) return error(Errc::corrupt, "no JSON");
    return parsed;
}

/// On one line; text that is not UTF-8 is mended, not refused: a record must always be writable.
std::string to_line(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The fields of one object. Reading a field takes it out, so that what is left is what we do not
/// know; one that is absent or null is its default. The first that is wrong is remembered.
class Fields {
public:
    Fields(Json object, std::string path) : object_(std::move(object)), path_{std::move(path)} {
        // Parentheses: in braces the library would make a list of one.
        if (!object_.is_object()) fail("", "is no object");
    }

    std::string text(const char* name) {
        return take(name, "text", [](const Json& value) -> std::optional<std::string> {
            if (!value.is_string()) return std::nullopt;
            return value.get<std::string>();
        });
    }

    std::uint64_t number(const char* name) {
        return take(name, "a number, 0 or more", [](const Json& value) -> Maybe<std::uint64_t> {
            if (!value.is_number_integer()) return std::nullopt;
            if (!value.is_number_unsigned() && value.get<std::int64_t>() < 0) return std::nullopt;
            return value.get<std::uint64_t>();
        });
    }

    std::int64_t integer(const char* name, std::int64_t fallback = 0) {
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        return take(
            name,
            "a whole number",
            [](const Json& value) -> Maybe<std::int64_t> {
                if (!value.is_number_integer()) return std::nullopt;
                if (value.is_number_unsigned() && value.get<std::uint64_t>() > most) {
                    return std::nullopt;
                }
                return value.get<std::int64_t>();
            },
            fallback);
    }

    int small(const char* name, int fallback) {
        const auto value = integer(name, fallback);
        if (value < 0 || value > 1'000'000'000) {
            fail(name, "is out of range");
            return fallback;
        }
        return static_cast<int>(value);
    }

    bool boolean(const char* name) {
        return take(name, "true or false", [](const Json& value) -> Maybe<bool> {
            if (!value.is_boolean()) return std::nullopt;
            return value.get<bool>();
        });
    }

    /// A time for people: what is not understood is no time, and no reason to refuse the record.
    model::WallTime time(const char* name) {
        const auto parsed = model::parse_rfc3339(text(name));
        return parsed ? *parsed : model::WallTime{};
    }

    std::vector<std::string> texts(const char* name) {
        return take(name, "a list of text", [](const Json& value) -> Maybe<Texts> {
            if (!value.is_array()) return std::nullopt;
            Texts list;
            for (const auto& element : value) {
                if (!element.is_string()) return std::nullopt;
                list.push_back(element.get<std::string>());
            }
            return list;
        });
    }

    std::optional<Fields> object(const char* name) {
        const auto found = object_.find(name);
        if (!object_.is_object() || found == object_.end()) return std::nullopt;
        auto value = std::move(*found);
        object_.erase(found);
        if (value.is_null()) return std::nullopt;
        return Fields{std::move(value), path_ + "." + name};
    }

    std::vector<Fields> objects(const char* name) {
        std::vector<Fields> list;
        const auto found = object_.find(name);
        if (!object_.is_object() || found == object_.end()) return list;
        auto value = std::move(*found);
        object_.erase(found);
        if (value.is_null()) return list;
        if (!value.is_array()) {
            fail(name, "is not a list");
            return list;
        }
        for (auto& element : value)
            list.emplace_back(std::move(element), path_ + "." + name + "[]");
        return list;
    }

    void fail(std::string_view name, std::string_view why) {
        if (error_) return;
        const auto field = name.empty() ? path_ : path_ + "." + std::string{name};
        error_ = model::error(Errc::corrupt, field + " " + std::string{why});
    }

    /// What is wrong inside is wrong outside.
    void include(const Fields& inner) {
        if (!error_) error_ = inner.error_;
    }

    const std::optional<model::Error>& error() const { return error_; }

    std::string rest() const { return object_.empty() ? std::string{} : to_line(object_); }

    /// Every record has one: it says who may read it.
    int schema_known() {
        const auto value = small("schema", 0);
        if (value > schema) {
            fail("schema",
                 "is " + std::to_string(value) + ", and this version reads up to " +
                     std::to_string(schema) + ": it is older than who wrote this");
        }
        return value;
    }

private:
    template <typename T>
    using Maybe = std::optional<T>;
    using Texts = std::vector<std::string>;

    template <typename Read>
    auto take(const char* name,
              std::string_view wanted,
              Read read,
              typename std::invoke_result_t<Read, const Json&>::value_type fallback = {}) ->
        typename std::invoke_result_t<Read, const Json&>::value_type {
        if (!object_.is_object()) return fallback;
        const auto found = object_.find(name);
        if (found == object_.end()) return fallback;
        const auto value = std::move(*found);
        object_.erase(found);
        if (value.is_null()) return fallback;
        auto result = read(value);
        if (!result) {
            fail(name, "is not " + std::string{wanted});
            return fallback;
        }
        return *std::move(result);
    }

    Json object_;
    std::string path_;
    std::optional<model::Error> error_;
};

model::Result<Fields> open(std::string_view text, std::string_view key) {
    auto parsed = parse(text);
    if (!parsed) return std::move(parsed).error().during(key);
    return Fields{std::move(*parsed), std::string{key}};
}

/// `known` on top of what came from somebody newer.
Json merged(Json known, const std::string& unknown_fields) {
    if (unknown_fields.empty()) return known;
    auto rest = parse(unknown_fields);
    if (!rest || !rest->is_object()) return known;
    for (auto& [name, value] : rest->items()) {
        if (!known.contains(name)) known[name] = std::move(value);
    }
    return known;
}

void put(Json& object, const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
}

Json to_json(const model::Condition& condition) {
    Json json{{"type", to_text(condition.type)},
              {"status", condition.status},
              {"reason", condition.reason},
              {"since", model::to_rfc3339(condition.since)},
              {"epoch", condition.epoch.value}};
    put(json, "message", condition.message);
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
    auto opened = open(text, key);
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
    put(json, "version", status.version);
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
    auto opened = open(text, key);
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::NodeStatus status;
    status.schema = fields.schema_known();
    status.node_id = fields.text("nodeId");
    status.cluster_id = fields.text("clusterId");
    const auto role = fields.text("role");
    status.role = role == "PRIMARY" ? model::Role::primary : model::Role::passive;
    status.backend_status = fields.text("backendStatus");
    status.last_seen = fields.time("lastSeen");
    status.version = fields.text("version");
    status.leader = fields.text("leader");
    status.epoch = {fields.number("epoch")};
    status.position = {{fields.number("tenure")}, {fields.number("txid")}};
    if (auto lag = fields.object("lag")) {
        status.lag = {lag->number("transactions"), lag->number("bytes"), lag->integer("ms")};
        fields.include(*lag);
    }
    status.has_database = fields.boolean("hasDatabase");
    status.copy_complete = fields.boolean("copyComplete");
    status.uptime_ms = fields.integer("uptimeMs");
    status.heartbeat_ms = fields.integer("heartbeatMs");
    for (auto& each : fields.objects("conditions")) {
        model::Condition condition;
        const auto type = model::parse_condition_type(each.text("type"));
        condition.status = each.boolean("status");
        condition.reason = each.text("reason");
        condition.message = each.text("message");
        condition.since = each.time("since");
        condition.epoch = {each.number("epoch")};
        fields.include(each);
        // A verdict that a newer version gives and we do not know.
        if (!type) continue;
        condition.type = *type;
        status.conditions.push_back(std::move(condition));
    }
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
    status.unknown_fields = fields.rest();
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
    auto opened = open(text, key);
    if (!opened) return std::move(opened).error();
    auto& fields = *opened;
    model::Spec spec;
    spec.schema = fields.schema_known();
    spec.paused = fields.boolean("paused");
    spec.leave = fields.texts("leave");
    if (auto wish = fields.object("switchover")) {
        spec.switchover = {.id = wish->text("id"),
                           .to = wish->text("to"),
                           .from = wish->text("from"),
                           .force = wish->boolean("force")};
        if (spec.switchover->id.empty()) wish->fail("id", "is missing");
        fields.include(*wish);
    }
    spec.unknown_fields = fields.rest();
    if (fields.error()) return *fields.error();
    return spec;
}

}  // namespace adapters::json
