#include "adapters/json/fields.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "model/wall_time.h"

namespace adapters::json {
namespace {

using Json = nlohmann::json;
using model::Errc;
template <typename T>
using Maybe = std::optional<T>;

constexpr int schema = 1;
constexpr int deepest = 64;  // limit, since the library recurses into nested values
constexpr std::int64_t largest_small = 1'000'000'000;

/// Whether brackets are nested too deep; the text need not be valid JSON.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest) return true;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

}  // namespace

struct Fields::Object {
    explicit Object(Json of) : json(std::move(of)) {}

    [[nodiscard]] const Json* find(const char* name) const {
        if (!json.is_object()) return nullptr;
        const auto found = json.find(name);
        return found == json.end() ? nullptr : &*found;
    }
    /// Removes it. Empty: absent or null.
    Maybe<Json> take(const char* name) {
        if (!json.is_object()) return std::nullopt;
        const auto found = json.find(name);
        if (found == json.end()) return std::nullopt;
        Maybe<Json> value{std::in_place, std::move(*found)};
        json.erase(found);
        if (value->is_null()) return std::nullopt;
        return value;
    }

    Json json;
};

Fields::Fields(std::unique_ptr<Object> object, std::string path)
    : object_{std::move(object)}, path_{std::move(path)} {
    if (!object_->json.is_object()) fail("", "is no object");
}
Fields::~Fields() = default;
Fields::Fields(Fields&& other) noexcept = default;
Fields& Fields::operator=(Fields&& other) noexcept = default;

model::Result<Fields> Fields::open(std::string_view text, std::string_view path) {
    // Checked before parsing: with a depth callback the library rescans a whole list after each of
    // its elements, and a large record would block its reader for minutes.
    if (too_deep(text)) return model::error(Errc::corrupt, "nested too deep").during(path);
    auto parsed = Json::parse(text, nullptr, false);
    if (parsed.is_discarded()) return model::error(Errc::corrupt, "no JSON").during(path);
    return Fields{std::make_unique<Object>(std::move(parsed)), std::string{path}};
}

bool Fields::has(const char* name) const {
    const auto* const found = object_->find(name);
    return found != nullptr && !found->is_null();
}

bool Fields::is_null(const char* name) const {
    const auto* const found = object_->find(name);
    return found != nullptr && found->is_null();
}

/// read  empty: it is of another type
template <typename Read>
auto Fields::take(const char* name, std::string_view wanted, Read read) {
    std::invoke_result_t<Read, const Json&> result;
    const auto value = object_->take(name);
    if (!value) return result;
    result = read(*value);
    if (!result) fail(name, "is not " + std::string{wanted});
    return result;
}

std::string Fields::text(const char* name) {
    return take(name,
                "text",
                [](const Json& value) -> Maybe<std::string> {
                    if (!value.is_string()) return std::nullopt;
                    return value.get<std::string>();
                })
        .value_or("");
}

std::uint64_t Fields::number(const char* name) {
    return take(name,
                "a number, 0 or more",
                [](const Json& value) -> Maybe<std::uint64_t> {
                    if (!value.is_number_integer()) return std::nullopt;
                    if (!value.is_number_unsigned() && value.get<std::int64_t>() < 0)
                        return std::nullopt;
                    return value.get<std::uint64_t>();
                })
        .value_or(0);
}

std::int64_t Fields::integer(const char* name, std::int64_t fallback) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return take(name,
                "a whole number",
                [](const Json& value) -> Maybe<std::int64_t> {
                    if (!value.is_number_integer()) return std::nullopt;
                    if (value.is_number_unsigned() && value.get<std::uint64_t>() > most)
                        return std::nullopt;
                    return value.get<std::int64_t>();
                })
        .value_or(fallback);
}

int Fields::small(const char* name, int fallback) {
    const auto value = integer(name, fallback);
    if (value < 0 || value > largest_small) {
        fail(name, "is out of range");
        return fallback;
    }
    return static_cast<int>(value);
}

bool Fields::boolean(const char* name) {
    return take(name,
                "true or false",
                [](const Json& value) -> Maybe<bool> {
                    if (!value.is_boolean()) return std::nullopt;
                    return value.get<bool>();
                })
        .value_or(false);
}

model::WallTime Fields::time(const char* name) {
    const auto parsed = model::parse_rfc3339(text(name));
    return parsed ? *parsed : model::WallTime{};
}

std::vector<std::string> Fields::texts(const char* name) {
    using Texts = std::vector<std::string>;
    return take(name,
                "a list of text",
                [](const Json& value) -> Maybe<Texts> {
                    if (!value.is_array()) return std::nullopt;
                    Texts list;
                    for (const auto& element : value) {
                        if (!element.is_string()) return std::nullopt;
                        list.push_back(element.get<std::string>());
                    }
                    return list;
                })
        .value_or(Texts{});
}

std::map<std::string, std::string> Fields::text_map(const char* name) {
    using Map = std::map<std::string, std::string>;
    return take(name,
                "an object of text",
                [](const Json& value) -> Maybe<Map> {
                    if (!value.is_object()) return std::nullopt;
                    Map map;
                    for (const auto& [key, element] : value.items()) {
                        if (!element.is_string()) return std::nullopt;
                        map[key] = element.get<std::string>();
                    }
                    return map;
                })
        .value_or(Map{});
}

std::optional<Fields> Fields::object(const char* name) {
    auto value = object_->take(name);
    if (!value) return std::nullopt;
    return Fields{std::make_unique<Object>(*std::move(value)), path_ + "." + name};
}

std::vector<Fields> Fields::objects(const char* name) {
    std::vector<Fields> list;
    auto value = object_->take(name);
    if (!value) return list;
    if (!value->is_array()) {
        fail(name, "is not a list");
        return list;
    }
    for (auto& element : *value)
        list.push_back(
            Fields{std::make_unique<Object>(std::move(element)), path_ + "." + name + "[]"});
    return list;
}

int Fields::schema_known() {
    const auto value = small("schema", 0);
    if (value > schema) {
        fail("schema",
             "is " + std::to_string(value) + ", and this version reads up to " +
                 std::to_string(schema) + ": it is older than who wrote this");
    }
    return value;
}

void Fields::fail(std::string_view name, std::string_view why) {
    if (error_) return;
    const auto field = name.empty() ? path_ : path_ + "." + std::string{name};
    error_ = model::error(Errc::corrupt, field + " " + std::string{why});
}

void Fields::include(const Fields& inner) {
    if (!error_) error_ = inner.error_;
}

std::string Fields::rest() const {
    if (object_->json.empty()) return {};
    return object_->json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace adapters::json
