#include "model/service.h"

#include <gtest/gtest.h>

namespace model {
namespace {

ServiceEntry entry() {
    return {.name = "metrics",
            .node_id = "n.1",
            .address = "10.0.0.1",
            .port = 9100,
            .protocol = "http",
            .path = "/metrics",
            .metadata = {{"job", "node"}, {"zone", "a"}},
            .tags = {"prod", "metrics"},
            .health = ServiceHealth::passing,
            .registered_at = {1},
            .updated_at = {2},
            .health_reason = {},
            .role = "PRIMARY",
            .internal = false,
            .schema = 1,
            .unknown_fields = {}};
}

TEST(Service, HealthIsReadAsItIsWritten) {
    for (const auto health : {ServiceHealth::passing,
                              ServiceHealth::warning,
                              ServiceHealth::critical,
                              ServiceHealth::standby}) {
        EXPECT_EQ(parse_service_health(to_text(health)), health);
    }
    EXPECT_EQ(parse_service_health("Passing"), std::nullopt);
}

// defects.md M16: keys have a slash between service and node, and both may have dots.
TEST(Service, M16_AKeyIsServiceSlashNode) {
    EXPECT_EQ(service_key("a.b", "n.1"), "a.b/n.1");
    const auto parts = parse_service_key("a.b/n.1");
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->first, "a.b");
    EXPECT_EQ(parts->second, "n.1");
    for (const auto* wrong : {"", "a", "a/", "/n", "a/b/c", "a b/n", "a./n", ".a/n", "a/n..1"})
        EXPECT_FALSE(parse_service_key(wrong)) << wrong;
    EXPECT_TRUE(parse_service_key(std::string(64, 's') + "/n"));
    EXPECT_FALSE(parse_service_key(std::string(65, 's') + "/n"));
}

TEST(Service, WhenSomethingWasSaidMakesNoDifference) {
    auto other = entry();
    other.registered_at = {7};
    other.updated_at = {8};
    EXPECT_TRUE(same_service(entry(), other));
    other.health = ServiceHealth::warning;
    EXPECT_FALSE(same_service(entry(), other));
}

TEST(Service, OfASilentNodeNoWordCounts) {
    const auto shown = silenced(entry(), "node n.1 is silent");
    EXPECT_EQ(shown.health, ServiceHealth::critical);
    EXPECT_EQ(shown.health_reason, "node n.1 is silent");
    EXPECT_EQ(shown.role, "UNKNOWN");
    EXPECT_EQ(shown.address, "10.0.0.1");
}

TEST(Service, AFilterAsksForAllOfItsConditions) {
    const auto is_shown = [](const ServiceFilter& filter) { return filter.matches(entry()); };
    EXPECT_TRUE(is_shown({}));
    EXPECT_TRUE(is_shown({.name = "metrics",
                          .node = "n.1",
                          .tags = {"prod", "metrics"},
                          .metadata = {{"zone", "a"}},
                          .health = ServiceHealth::passing}));
    EXPECT_FALSE(is_shown({.name = "metric"}));
    EXPECT_FALSE(is_shown({.node = "n.2"}));
    EXPECT_FALSE(is_shown({.tags = {"prod", "other"}}));
    EXPECT_FALSE(is_shown({.metadata = {{"zone", "b"}}}));
    EXPECT_FALSE(is_shown({.metadata = {{"zone", "a"}, {"rack", "1"}}}));
    EXPECT_FALSE(is_shown({.health = ServiceHealth::warning}));
    EXPECT_EQ(
        filtered({entry(), silenced(entry(), "x")}, {.health = ServiceHealth::critical}).size(),
        1U);
}

}  // namespace
}  // namespace model
