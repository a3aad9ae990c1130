#include "config/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "model/ids.h"
#include "tests/config/input.h"

namespace config {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// A valid value different from the default.
Value sample(const Key& key) {
    static const std::map<std::string_view, Value> own{
        {"nats.servers", {List{text("tls://10.0.0.1:1")}}},
        {"election.fenceMarginMs", number(2500)},
        {"backend.healthEndpoint", text("http://10.0.0.1/")},
        {"backend.process.limits", {Map{{"nofile", number(1)}}}},
        {"api.listen", text("127.0.0.1:7001")},
        {"metrics.listen", text("127.0.0.1:7002")},
        {"services.<name>.healthPath", text("/health")},
        {"services.<name>.check.path", text("/health")},
        {"vip.address", text("10.0.0.1")},
        {"vips[].address", text("10.0.0.1")},
    };
    if (const auto found = own.find(key.path); found != own.end()) return found->second;
    const auto fallback = fallback_value(key);
    switch (key.type) {
        case Type::text: {
            const auto word = key.choices.substr(key.choices.rfind(' ') + 1);
            return {word.empty() ? "other" : std::string{word}};
        }
        case Type::path:
            return text("/other");
        case Type::number:
            return number(std::max(key.least, *integer(fallback) + 1));
        case Type::boolean:
            return {!std::get<bool>(fallback.data)};
        case Type::span:
            return text("48h");
        case Type::texts:
            return {List{text("other")}};
        case Type::text_map:
            return {Map{{"other", text("other")}}};
        case Type::number_map:
            return {Map{{"other", number(1)}}};
    }
    return {};
}

/// The key as a file names it, with one entry in its list or map.
std::string written(const Key& key) {
    std::string path{key.path};
    if (const auto open = path.find("<name>"); open != std::string::npos) {
        path.replace(open, 6, "http");
    }
    if (const auto list = path.find("[]"); list != std::string::npos) path.insert(list + 1, "0");
    return path;
}

void set_sample(Input& given, const Key& key) {
    const auto dot = key.path.find("[].");
    if (dot == std::string_view::npos) {
        set(given.root, written(key), sample(key));
        return;
    }
    Value element;
    set(element, key.path.substr(dot + 3), sample(key));
    set(given.root, key.path.substr(0, dot), {List{element}});
}

TEST(ConfigKeys, EachThatIsActiveChangesTheConfigurationAndTheOthersSayThatTheyDoNot) {
    for (const auto& key : keys()) {
        auto given = input();
        // A netmask alone is none of an address.
        if (key.path == "vip.netmask") set(given.root, "vip.address", text("10.0.0.9"));
        const auto plain = build(given).config;
        set_sample(given, key);
        const auto outcome = build(given);
        for (const auto& problem : outcome.errors)
            EXPECT_NE(problem.key, written(key)) << to_text(problem);
        const auto no_effect = HasSubstr(written(key) + " = " + key.show(sample(key)) +
                                         ": is not active in this version");
        if (key.active) {
            EXPECT_NE(outcome.config, plain) << key.path << " goes nowhere";
            EXPECT_THAT(texts(outcome.warnings), Not(Contains(no_effect)));
        } else {
            EXPECT_THAT(texts(outcome.warnings), Contains(no_effect));
        }
    }
}

TEST(ConfigKeys, NoTwoHaveOneField) {
    Config config;
    std::map<const void*, std::string_view> owners;
    for (const auto& key : keys()) {
        if (key.field == nullptr) continue;
        const void* place =
            std::visit([](auto* field) -> const void* { return field; }, key.field(config));
        const auto [other, fresh] = owners.emplace(place, key.path);
        EXPECT_TRUE(fresh) << key.path << " and " << other->second;
    }
}

TEST(ConfigKeys, NoPathStandsThereTwiceAndEachDefaultFitsItsType) {
    std::set<std::string_view> seen;
    for (const auto& key : keys()) {
        EXPECT_TRUE(seen.insert(key.path).second) << key.path;
        EXPECT_FALSE(key.purpose.empty()) << key.path;
        // The checks of files read the paths through the field.
        EXPECT_TRUE(key.file == FileRule::none || key.field != nullptr) << key.path;
        EXPECT_EQ(std::string{key.purpose}.find('|'), std::string::npos) << key.path;
        if (key.type == Type::number && !key.fallback.empty()) {
            const auto value = model::parse_number(key.fallback);
            ASSERT_TRUE(value) << key.path;
            EXPECT_GE(static_cast<std::int64_t>(*value), key.least) << key.path;
            EXPECT_LE(static_cast<std::int64_t>(*value), key.most) << key.path;
        }
    }
}

}  // namespace
}  // namespace config
