#include "adapters/nats/object_meta.h"

#include <nlohmann/json.hpp>

#include "adapters/nats/base64.h"

namespace adapters::nats {
namespace {

using nlohmann::json;

constexpr std::uint64_t chunk_size = std::uint64_t{128} * 1024;
// Readers use the message's own time; nats.go writes this constant too.
constexpr std::string_view no_time = "0001-01-01T00:00:00Z";

/// Reads fields of one object; remembers whether one had the wrong type.
class Fields {
public:
    explicit Fields(const json& object) : object_{object} {}

    std::string text(const char* key) {
        const auto* value = find(key);
        if (!value) return {};
        good_ &= value->is_string();
        return value->is_string() ? value->get<std::string>() : std::string{};
    }
    std::uint64_t number(const char* key) {
        const auto* value = find(key);
        if (!value) return 0;
        good_ &= value->is_number_unsigned();
        return value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
    }
    bool flag(const char* key) {
        const auto* value = find(key);
        if (!value) return false;
        good_ &= value->is_boolean();
        return value->is_boolean() && value->get<bool>();
    }
    /// The first of each list of texts; an empty list is left out.
    std::map<std::string, std::string> texts(const char* key) {
        std::map<std::string, std::string> all;
        const auto* value = find(key);
        if (!value) return all;
        good_ &= value->is_object();
        if (!value->is_object()) return all;
        for (const auto& [name, entry] : value->items()) {
            const bool list = entry.is_array() && !entry.empty();
            const auto& first = list ? entry.front() : entry;
            if (first.is_string()) {
                all[name] = first.get<std::string>();
            } else {
                good_ &= entry.is_array() && entry.empty();
            }
        }
        return all;
    }
    [[nodiscard]] bool good() const { return good_; }

private:
    const json* find(const char* key) const {
        const auto found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    const json& object_;
    bool good_ = true;
};

}  // namespace

std::string meta_token(std::string_view name) { return to_base64url(model::as_bytes(name)); }

model::Result<std::string> to_json(const model::ObjectMeta& meta, std::string_view bucket) {
    if (meta.name.empty()) return model::error(model::Errc::invalid, "an object without a name");
    json body = {{"name", meta.name},
                 {"options", {{"max_chunk_size", chunk_size}}},
                 {"bucket", bucket},
                 {"nuid", meta.nuid},
                 {"size", meta.size},
                 {"mtime", no_time},
                 {"chunks", meta.chunks}};
    for (const auto& [key, value] : meta.headers)
        body["headers"][key] = json::array({value});
    if (!meta.metadata.empty()) body["metadata"] = meta.metadata;
    if (!meta.digest.empty()) body["digest"] = meta.digest;
    if (meta.deleted) body["deleted"] = true;
    try {
        return body.dump();
    } catch (const json::exception&) {
        return model::error(model::Errc::invalid, "an object whose name or facts are not UTF-8");
    }
}

std::optional<model::ObjectMeta> parse_meta(model::ByteView text) {
    const auto body = json::parse(model::to_text(text), nullptr, false);
    if (!body.is_object()) return std::nullopt;
    Fields fields{body};
    model::ObjectMeta meta{.name = fields.text("name"),
                           .nuid = fields.text("nuid"),
                           .size = fields.number("size"),
                           .chunks = fields.number("chunks"),
                           .digest = fields.text("digest"),
                           .headers = fields.texts("headers"),
                           .metadata = fields.texts("metadata"),
                           .deleted = fields.flag("deleted")};
    if (!fields.good() || meta.name.empty()) return std::nullopt;
    return meta;
}

}  // namespace adapters::nats
