#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "tests/config/input.h"

namespace config {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ConfigBuild, TheLeastThatANodeNeedsIsCompletedWithTheDefaults) {
    const auto outcome = build(input());
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(texts(outcome.warnings), IsEmpty());
    const auto& config = outcome.config;
    EXPECT_EQ(config.cluster_id, "prod");
    EXPECT_EQ(config.node_id, "n1");
    EXPECT_THAT(config.nats.servers, ElementsAre("nats://127.0.0.1:4222"));
    EXPECT_EQ(config.election.timing.ttl, 10s);
    EXPECT_EQ(config.election.timing.heartbeat, 3s);
    EXPECT_EQ(config.election.timing.margin, 2s);
    EXPECT_EQ(config.election.timing.cooldown, 10s);
    EXPECT_EQ(config.election.priority, 100);
    EXPECT_FALSE(config.election.nofailover);
    EXPECT_EQ(config.wal.replica_path, "/var/lib/convex/replica");
    EXPECT_EQ(config.wal.snapshot_interval, 1h);
    EXPECT_EQ(config.wal.stream_retention, 24h);
    EXPECT_EQ(config.backend.kind, Backend::Kind::process);
    EXPECT_EQ(config.backend.data_path, "/var/lib/convex/data");
    EXPECT_EQ(config.backend.health_endpoint, "http://localhost:3210/version");
    EXPECT_EQ(config.backend.start_timeout, 60s);
    EXPECT_EQ(config.state_dir, "/var/lib/convex/manager");
    EXPECT_EQ(config.api, (model::HostPort{"0.0.0.0", 8080}));
    EXPECT_EQ(config.metrics, (model::HostPort{"0.0.0.0", 9090}));
    EXPECT_EQ(config.log.level, model::EventLevel::info);
    EXPECT_EQ(config.log.format, std::nullopt);
}

TEST(ConfigBuild, EveryProblemIsReportedAtOnce) {
    Input bad{.file = "c.json", .root = {Map{}}, .overrides = {}};
    set(bad.root, "clusterId", text("a.b"));
    set(bad.root, "election.leaderTtlMs", text("10s"));
    set(bad.root, "wal.replicaPath", text("relative"));
    EXPECT_THAT(errors(bad),
                testing::UnorderedElementsAre(HasSubstr("clusterId = \"a.b\""),
                                              HasSubstr("election.leaderTtlMs = \"10s\""),
                                              HasSubstr("wal.replicaPath = \"relative\""),
                                              HasSubstr("nodeId is missing"),
                                              HasSubstr("nats.servers is missing")));
}

TEST(ConfigBuild, ABackendKindWithoutEffectIsNamed) {
    Input given{.file = "c.json", .root = {}, .overrides = {}};
    set(given.root, "clusterId", text("prod"));
    set(given.root, "nodeId", text("n1"));
    set(given.root, "nats.servers", {List{text("n:4222")}});
    auto outcome = build(given);
    EXPECT_EQ(outcome.config.backend.kind, Backend::Kind::systemd);
    EXPECT_THAT(texts(outcome.warnings), Not(Contains(HasSubstr("backend.kind"))));
    set(given.root, "backend.kind", text("docker"));
    outcome = build(given);
    EXPECT_EQ(outcome.config.backend.kind, Backend::Kind::docker);
    EXPECT_THAT(texts(outcome.warnings), Contains(HasSubstr("backend.kind = docker")));
}

TEST(ConfigBuild, TheEnvironmentCountsMoreThanTheFileAndFlagsMoreThanBoth) {
    auto given = input();
    given.overrides = environment_overrides(
        {{"CLUSTER_ID", "env"}, {"NODE_ID", "envnode"}, {"NATS_URL", "a, b:1"}, {"HOME", "/"}});
    given.overrides.push_back({"flag --node-id", "nodeId", text("flagnode")});
    const auto config = build(given).config;
    EXPECT_EQ(config.cluster_id, "env");
    EXPECT_EQ(config.node_id, "flagnode");
    EXPECT_THAT(config.nats.servers, ElementsAre("nats://a:4222", "nats://b:1"));
}

TEST(ConfigBuild, EachVariableCountsForItselfAndAnEmptyOneNotAtAll) {
    auto given = input();
    given.overrides =
        environment_overrides({{"CLUSTER_ID", ""}, {"NODE_ID", "envnode"}, {"NATS_URL", ""}});
    const auto outcome = build(given);
    EXPECT_THAT(outcome.errors, IsEmpty());
    EXPECT_EQ(outcome.config.cluster_id, "prod");
    EXPECT_EQ(outcome.config.node_id, "envnode");
    EXPECT_THAT(outcome.config.nats.servers, ElementsAre("nats://127.0.0.1:4222"));
}

TEST(ConfigBuild, AVariableThatIsNotEmptyAndWrongIsNamedAndNotPassedOver) {
    auto given = input();
    given.overrides =
        environment_overrides({{"CLUSTER_ID", " "}, {"NODE_ID", "a b"}, {"NATS_URL", " , "}});
    EXPECT_THAT(errors(given),
                ElementsAre(HasSubstr("environment CLUSTER_ID: clusterId = \" \""),
                            HasSubstr("environment NODE_ID: nodeId = \"a b\""),
                            HasSubstr("environment NATS_URL: nats.servers = []: must name at "
                                      "least one server")));
    given.overrides = environment_overrides({{"NATS_URL", "a,,b"}});
    EXPECT_THAT(build(given).config.nats.servers, ElementsAre("nats://a:4222", "nats://b:4222"));
}

// Required keys may be missing from the file where the environment sets them.
TEST(ConfigBuild, WhatNeitherTheFileNorTheEnvironmentSaysIsMissing) {
    Input given{.file = "c.json", .root = {Map{}}, .overrides = {}};
    set(given.root, "backend.process.command", {List{text("/b")}});
    given.overrides = environment_overrides({{"CLUSTER_ID", "c"}, {"NODE_ID", ""}});
    EXPECT_THAT(errors(given),
                ElementsAre(HasSubstr("nodeId is missing"), HasSubstr("nats.servers is missing")));
    given.overrides =
        environment_overrides({{"CLUSTER_ID", "c"}, {"NODE_ID", "n"}, {"NATS_URL", "a"}});
    EXPECT_THAT(errors(given), IsEmpty());
}

// defects.md C31
TEST(ConfigBuild, AVirtualAddressHasAnInterfaceAndAPrefixThatFits) {
    const auto with = [](const char* address, std::int64_t prefix) {
        return errors(input({{"vip.address", text(address)},
                             {"vip.interface", text("eth0")},
                             {"vip.netmask", number(prefix)}}));
    };
    EXPECT_THAT(with("10.0.0.1", 32), IsEmpty());
    EXPECT_THAT(with("10.0.0.1", 33), Not(IsEmpty()));
    EXPECT_THAT(with("fd00::1", 64), IsEmpty());
    EXPECT_THAT(errors(input({{"vip.address", text("10.0.0.1")}})),
                Contains(HasSubstr("vip.interface is missing")));
    const auto plain =
        build(input({{"vip.address", text("10.0.0.1")}, {"vip.interface", text("eth0")}}));
    EXPECT_THAT(errors(input({{"vip.interface", text("eth0")}})),
                Contains(HasSubstr("vip.address is missing")));
    // As the Go manager writes it where there is none.
    const auto none = build(input({{"vip.address", text("")}, {"vip.interface", text("")}}));
    EXPECT_THAT(texts(none.errors), IsEmpty());
    EXPECT_THAT(none.config.vips, IsEmpty());
    EXPECT_THAT(plain.config.vips, ElementsAre(Vip{"10.0.0.1", 32, "eth0"}));
}

// defects.md C31: W4 leaves a lease of two seconds an address for one.
TEST(ConfigBuild, ALeaseIsLongEnoughForAVirtualAddress) {
    const auto with = [](std::int64_t ttl, std::int64_t heartbeat) {
        return errors(input({{"election.leaderTtlMs", number(ttl)},
                             {"election.heartbeatIntervalMs", number(heartbeat)},
                             {"vip.address", text("10.0.0.1")},
                             {"vip.interface", text("eth0")}}));
    };
    EXPECT_THAT(with(2'160, 400), IsEmpty());
    EXPECT_THAT(with(2'159, 400), Contains(HasSubstr("leaves a virtual address 0 ms")));
    EXPECT_THAT(with(2'600, 750), IsEmpty());
    EXPECT_THAT(with(2'600, 751), Contains(HasSubstr("leaves a virtual address 1000 ms")));
}

TEST(ConfigBuild, SeveralVirtualAddressesAreAList) {
    const Map first{{"address", text("10.0.0.1")}, {"interface", text("eth0")}};
    const Map second{
        {"address", text("fd00::1")}, {"prefix", number(64)}, {"interface", text("eth1")}};
    const auto outcome = build(input({{"vips", {List{{first}, {second}}}}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(outcome.config.vips,
                ElementsAre(Vip{"10.0.0.1", 32, "eth0"}, Vip{"fd00::1", 64, "eth1"}));
    EXPECT_THAT(errors(input({{"vips", {List{{first}, {first}}}}})), Contains(HasSubstr("twice")));
    EXPECT_THAT(errors(input({{"vips", {List{number(1)}}}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"vips", number(1)}})), Not(IsEmpty()));
}

TEST(ConfigBuild, OneAddressManyTimesIsOneProblemForEachOfThem) {
    const Value vip{Map{{"address", text("192.0.2.7")}, {"interface", text("eth0")}}};
    EXPECT_EQ(errors(input({{"vips", {List(16, vip)}}})).size(), 15U);
    EXPECT_THAT(errors(input({{"vips", {List(17, vip)}}})), Contains(HasSubstr("more virtual")));
}

TEST(ConfigBuild, ServicesAreNamedByPeople) {
    const auto outcome = build(input({{"services.http.port", number(3210)},
                                      {"services.http.metadata", {Map{{"team", text("a")}}}},
                                      {"services.metrics.port", number(9100)},
                                      {"services.metrics.protocol", text("http")},
                                      {"services.metrics.tags", {List{text("x")}}}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    ASSERT_EQ(outcome.config.services.size(), 2U);
    EXPECT_EQ(outcome.config.services[0].name, "http");
    EXPECT_EQ(outcome.config.services[0].protocol, "http");
    EXPECT_EQ(outcome.config.services[1].port, 9100);
    EXPECT_THAT(errors(input({{"services.http.path", text("/")}})),
                Contains(HasSubstr("services.http.port is missing")));
    EXPECT_THAT(errors(input({{"services.a/b.port", number(1)}})),
                Contains(HasSubstr("services.a/b = a/b: is no name of a service")));
}

// defects.md M20: which services follow the primary.
TEST(ConfigBuild, M20_TheServiceHttpFollowsThePrimaryAndTheOthersTheirNode) {
    auto given = input({{"services.http.port", number(1)}, {"services.other.port", number(2)}});
    auto services = build(given).config.services;
    EXPECT_TRUE(services[0].bound_to_primary);
    EXPECT_FALSE(services[1].bound_to_primary);
    set(given.root, "services.http.boundTo", text("node"));
    set(given.root, "services.other.boundTo", text("primary"));
    services = build(given).config.services;
    EXPECT_FALSE(services[0].bound_to_primary);
    EXPECT_TRUE(services[1].bound_to_primary);
}

TEST(ConfigBuild, ACheckIsMadeWhereAnythingOfItIsGiven) {
    const auto check = [](const char* key, Value value) {
        const auto outcome =
            build(input({{"services.s.port", number(1)}, {key, std::move(value)}}));
        EXPECT_THAT(texts(outcome.errors), IsEmpty());
        return outcome.config.services.at(0).check;
    };
    EXPECT_EQ(check("services.s.path", text("/")), std::nullopt);
    using Check = Service::Check;
    EXPECT_EQ(check("services.s.healthPath", text("/h")), (Check{"/h", 10s, 3s, 200, ""}));
    EXPECT_EQ(check("services.s.check.path", text("/h")), (Check{"/h", 10s, 3s, 200, ""}));
    EXPECT_EQ(check("services.s.check.intervalMs", number(500)), (Check{"", 500ms, 3s, 200, ""}));
    EXPECT_THAT(errors(input({{"services.s.port", number(1)},
                              {"services.s.healthPath", text("/a")},
                              {"services.s.check.path", text("/b")}})),
                Contains(HasSubstr("is another one than check.path")));
    EXPECT_THAT(errors(input({{"services.s.port", number(1)},
                              {"services.s.check.expectedBody", text("ok")}})),
                Contains(HasSubstr("services.s.check.path is missing")));
    EXPECT_THAT(errors(input({{"services.s.healthPath", text("h")}})),
                Contains(HasSubstr("must begin with /")));
}

}  // namespace
}  // namespace config
