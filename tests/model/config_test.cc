#include "model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/config_keys.h"

namespace model {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using List = ConfigValue::List;
using Map = ConfigValue::Map;

ConfigValue text(const char* value) { return {std::string{value}}; }
ConfigValue number(std::int64_t value) { return {value}; }

/// Sets a.b.c in a tree of objects.
void set(ConfigValue& root, std::string_view path, ConfigValue value) {
    if (std::holds_alternative<std::monostate>(root.data)) root.data = Map{};
    auto& map = std::get<Map>(root.data);
    const auto dot = path.find('.');
    const auto name = std::string{path.substr(0, dot)};
    auto member =
        std::find_if(map.begin(), map.end(), [&](const auto& entry) { return entry.name == name; });
    if (member == map.end()) member = map.insert(map.end(), {name, ConfigValue{}});
    if (dot == std::string_view::npos) {
        member->value = std::move(value);
    } else {
        set(member->value, path.substr(dot + 1), std::move(value));
    }
}

/// The least that a node needs, and what the test adds or replaces.
ConfigInput input(std::initializer_list<std::pair<const char*, ConfigValue>> more = {}) {
    ConfigInput input{.file = "c.json", .root = {}, .overrides = {}};
    set(input.root, "clusterId", text("prod"));
    set(input.root, "nodeId", text("n1"));
    set(input.root, "nats.servers", {List{text("nats://127.0.0.1:4222")}});
    set(input.root, "backend.process.command", {List{text("/usr/bin/backend")}});
    for (const auto& [path, value] : more)
        set(input.root, path, value);
    return input;
}

std::vector<std::string> texts(const std::vector<ConfigProblem>& problems) {
    std::vector<std::string> all;
    all.reserve(problems.size());
    for (const auto& problem : problems)
        all.push_back(to_text(problem));
    return all;
}

std::vector<std::string> errors(const ConfigInput& given) {
    return texts(make_config(given).errors);
}

TEST(Config, TheLeastThatANodeNeedsIsCompletedWithTheDefaults) {
    const auto outcome = make_config(input());
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
    EXPECT_EQ(config.backend.kind, BackendConfig::Kind::process);
    EXPECT_EQ(config.backend.data_path, "/var/lib/convex/data");
    EXPECT_EQ(config.backend.health_endpoint, "http://localhost:3210/version");
    EXPECT_EQ(config.backend.start_timeout, 60s);
    EXPECT_EQ(config.state_dir, "/var/lib/convex/manager");
    EXPECT_EQ(config.api, (HostPort{"0.0.0.0", 8080}));
    EXPECT_EQ(config.metrics, (HostPort{"0.0.0.0", 9090}));
    EXPECT_EQ(config.log.level, EventLevel::info);
    EXPECT_EQ(config.log.format, std::nullopt);
}

TEST(Config, EveryProblemIsReportedAtOnce) {
    ConfigInput bad{.file = "c.json", .root = {Map{}}, .overrides = {}};
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

TEST(Config, AProblemNamesFileLineKeyValueAndReason) {
    auto given = input();
    set(given.root, "election.priority", {std::int64_t{-1}, 12});
    EXPECT_THAT(errors(given),
                ElementsAre("c.json:12: election.priority = -1: must lie from 0 to 1000000"));
}

// defects.md C31
TEST(Config, TheLeaseLastsAtLeastThreeHeartbeats) {
    const auto with = [](std::int64_t ttl, std::int64_t heartbeat) {
        return errors(input({{"election.leaderTtlMs", number(ttl)},
                             {"election.heartbeatIntervalMs", number(heartbeat)}}));
    };
    EXPECT_THAT(with(9000, 3000), IsEmpty());
    EXPECT_THAT(with(8999, 3000), Contains(HasSubstr("three heartbeats")));
}

TEST(Config, TheMarginIsAtLeastAFifthOfTheTtlAndHalfASecond) {
    const auto with = [](std::int64_t ttl, std::int64_t margin, std::int64_t heartbeat) {
        return errors(input({{"election.leaderTtlMs", number(ttl)},
                             {"election.heartbeatIntervalMs", number(heartbeat)},
                             {"election.fenceMarginMs", number(margin)}}));
    };
    EXPECT_THAT(with(10000, 2000, 3000), IsEmpty());
    EXPECT_THAT(with(10000, 1999, 3000), Contains(HasSubstr("at least 20 %")));
    EXPECT_THAT(with(1500, 500, 300), IsEmpty());
    EXPECT_THAT(with(1500, 499, 300), Contains(HasSubstr("must lie from 500")));
}

TEST(Config, TwoRenewalsFitBeforeTheFence) {
    const auto with = [](std::int64_t margin) {
        return errors(input({{"election.leaderTtlMs", number(10000)},
                             {"election.heartbeatIntervalMs", number(3000)},
                             {"election.fenceMarginMs", number(margin)}}));
    };
    EXPECT_THAT(with(3750), IsEmpty());
    EXPECT_THAT(with(3751), Contains(HasSubstr("renew twice")));
}

TEST(Config, GoClustersNamesAreAccepted) {
    const auto outcome = make_config(input(
        {{"election.leaseTtlMs", number(20000)}, {"election.renewIntervalMs", number(5000)}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(texts(outcome.warnings), IsEmpty());
    EXPECT_EQ(outcome.config.election.timing.ttl, 20s);
    EXPECT_EQ(outcome.config.election.timing.heartbeat, 5s);
}

TEST(Config, TwoNamesOfOneKeyMustAgree) {
    const auto with = [](std::int64_t ttl) {
        return errors(
            input({{"election.leaderTtlMs", number(20000)}, {"election.leaseTtlMs", number(ttl)}}));
    };
    EXPECT_THAT(with(20000), IsEmpty());
    EXPECT_THAT(with(15000), Contains(HasSubstr("two names")));
}

// defects.md C31
TEST(Config, AnUnknownKeyIsWarnedAboutWithTheNearestKnownOne) {
    const auto outcome = make_config(input({{"election.leaderTttMs", number(1)},
                                            {"wal.dataPath", text("/x")},
                                            {"qqqqqqqqqqqq", text("x")},
                                            {"backend.process.comand", text("x")},
                                            {"elections.leaderTtlMs", number(1)}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(texts(outcome.warnings),
                testing::UnorderedElementsAre(HasSubstr("did you mean election.leaderTtlMs?"),
                                              HasSubstr("did you mean backend.dataPath?"),
                                              HasSubstr("qqqqqqqqqqqq is no key that is known"),
                                              HasSubstr("did you mean backend.process.command?"),
                                              HasSubstr("did you mean election?")));
}

TEST(Config, AKeyInAnotherCaseCountsAsItDidInGo) {
    const auto outcome = make_config(input({{"Election.LeaderTTLMs", number(20000)}}));
    EXPECT_EQ(outcome.config.election.timing.ttl, 20s);
    EXPECT_THAT(texts(outcome.warnings),
                Contains(HasSubstr("is taken for election.leaderTtlMs; write it so")));
}

TEST(Config, WhatIsNotActiveIsCheckedAndNamed) {
    const auto outcome = make_config(input({{"wal.maxLagMs", number(100)}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(texts(outcome.warnings),
                ElementsAre(HasSubstr("wal.maxLagMs = 100: is not active in this version")));
    EXPECT_THAT(errors(input({{"wal.maxLagMs", text("100")}})),
                ElementsAre(HasSubstr("is text, and a number belongs here")));
}

TEST(Config, ABackendKindWithoutEffectIsNamed) {
    ConfigInput given{.file = "c.json", .root = {}, .overrides = {}};
    set(given.root, "clusterId", text("prod"));
    set(given.root, "nodeId", text("n1"));
    set(given.root, "nats.servers", {List{text("n:4222")}});
    const auto outcome = make_config(given);
    EXPECT_EQ(outcome.config.backend.kind, BackendConfig::Kind::systemd);
    EXPECT_THAT(texts(outcome.warnings), Contains(HasSubstr("backend.kind = systemd")));
}

TEST(Config, EachWrongTypeIsNamed) {
    for (const auto& key : config_keys()) {
        if (key.path.find('<') != std::string_view::npos ||
            key.path.find('[') != std::string_view::npos) {
            continue;
        }
        ConfigInput given = input();
        // Nothing accepts a fraction.
        set(given.root, key.path, {1.5});
        EXPECT_THAT(errors(given), Contains(HasSubstr(std::string{key.path} + " = "))) << key.path;
    }
}

TEST(Config, NumbersBeyondTheirRangeAreRefusedAndWholeFractionsAreNumbers) {
    const auto port = [](ConfigValue value) {
        return errors(input({{"services.http.port", std::move(value)}}));
    };
    EXPECT_THAT(port(number(1)), IsEmpty());
    EXPECT_THAT(port(number(65535)), IsEmpty());
    EXPECT_THAT(port({8080.0}), IsEmpty());
    EXPECT_THAT(port(number(0)), Not(IsEmpty()));
    EXPECT_THAT(port(number(65536)), Not(IsEmpty()));
    EXPECT_THAT(port({1e300}), Not(IsEmpty()));
    EXPECT_THAT(port({80.5}), Not(IsEmpty()));
}

TEST(Config, IdsFitIntoTheNamesOfBucketsAndKeys) {
    const auto cluster = [](const char* id) {
        return errors(input({{"clusterId", text(id)}})).empty();
    };
    const auto node = [](const char* id) { return errors(input({{"nodeId", text(id)}})).empty(); };
    EXPECT_TRUE(cluster("Prod_eu-1"));
    EXPECT_TRUE(node("node.eu-1_a"));
    EXPECT_TRUE(cluster(std::string(64, 'a').c_str()));
    EXPECT_FALSE(cluster(std::string(65, 'a').c_str()));
    for (const auto* id : {"", "a.b", "a b", "a/b", "a*", "\xC3\xA4"})
        EXPECT_FALSE(cluster(id)) << id;
    for (const auto* id : {"", ".a", "a.", "a..b", "a b", "a/b", "a>", "a\n"})
        EXPECT_FALSE(node(id)) << id;
}

TEST(Config, AFolderIsRefusedWhereAFileBelongs) {
    EXPECT_THAT(errors(input({{"backend.dataPath", text("/var/lib/convex/data/")}})),
                ElementsAre(AllOf(HasSubstr("is a folder, and a file belongs here"),
                                  HasSubstr("/var/lib/convex/data/db.sqlite3"))));
    EXPECT_THAT(errors(input({{"wal.replicaPath", text("/replica/.")}})),
                Contains(HasSubstr("is a folder")));
}

TEST(Config, NoTwoPathsAreTheSameFileHoweverTheyAreSpelt) {
    const auto with = [](const char* data, const char* replica, const char* state) {
        return errors(input({{"backend.dataPath", text(data)},
                             {"wal.replicaPath", text(replica)},
                             {"stateDir", text(state)}}));
    };
    EXPECT_THAT(with("/d/db", "/d/replica", "/s"), IsEmpty());
    EXPECT_THAT(with("/d/db", "/d/db2", "/d/dbs"), IsEmpty());
    EXPECT_THAT(with("/d/db", "/d/x/..//./db", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/db-wal", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db-wal", "/d/db", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/db/replica", "/s"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/d/db"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/d/db/state"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/d"), Not(IsEmpty()));
    EXPECT_THAT(with("/d/db", "/d/replica", "/"), Not(IsEmpty()));
}

TEST(Config, AnAddressIsOneThatCanBeUsed) {
    const auto with = [](const char* key, const char* value) {
        return errors(input({{key, text(value)}}));
    };
    for (const auto* url : {"", "http://a", "http://a:1/x", "http://[::1]:3210/v", "http://a?b"})
        EXPECT_THAT(with("backend.healthEndpoint", url), IsEmpty()) << url;
    for (const auto* url : {"a:1",
                            "https://a",
                            "http://",
                            "http:///x",
                            "http://a:0",
                            "http://a:b/",
                            "http://a:99999/",
                            "http://a b/",
                            "http://a/b c",
                            "http://u:p@a/"})
        EXPECT_THAT(with("backend.healthEndpoint", url), Not(IsEmpty())) << url;
    for (const auto* host : {"", "a.b", "10.0.0.1", "::1"})
        EXPECT_THAT(with("advertise", host), IsEmpty()) << host;
    for (const auto* host : {"http://a", "a:80", "a b", "[::1]", "u@a"})
        EXPECT_THAT(with("advertise", host), Not(IsEmpty())) << host;
    EXPECT_THAT(with("api.listen", "[::1]:80"), Contains(HasSubstr("IPv6")));
    EXPECT_THAT(with("metrics.listen", "[::1]:80"), Contains(HasSubstr("IPv6")));
    const auto server = errors(input({{"nats.servers", {List{text("a:0")}}}}));
    ASSERT_EQ(server.size(), 1U);
    EXPECT_THAT(server[0], HasSubstr("nats://host:4222"));
    EXPECT_THAT(server[0], Not(HasSubstr("8080")));
}

TEST(Config, AVirtualAddressIsANumber) {
    const auto with = [](const char* address) {
        return errors(input({{"vip.address", text(address)}, {"vip.interface", text("eth0")}}));
    };
    for (const auto* address : {"10.0.0.9", "255.255.255.255", "fd00::1"})
        EXPECT_THAT(with(address), IsEmpty()) << address;
    for (const auto* address :
         {"10.0.0.256", "10.0.0", "10.0.0.1.2", "10.0.0.", "10.0.0.1/24", "a"})
        EXPECT_THAT(with(address), Not(IsEmpty())) << address;
}

TEST(Config, ServersGetSchemeAndPort) {
    const auto servers = [](List urls) {
        return make_config(input({{"nats.servers", {std::move(urls)}}}));
    };
    EXPECT_THAT(
        servers(
            {text("a"), text("b:1"), text("tls://c:2/"), text("nats://u:p@d"), text("[::1]:4222")})
            .config.nats.servers,
        ElementsAre(
            "nats://a:4222", "nats://b:1", "tls://c:2", "nats://u:p@d:4222", "nats://[::1]:4222"));
    for (const auto* url :
         {"", "http://a", "nats://", "a:0", "a:99999", "a b", "a,b", "nats://a/x"})
        EXPECT_THAT(texts(servers({text(url)}).errors), Not(IsEmpty())) << url;
    EXPECT_THAT(texts(servers({text("a"), text("nats://a:4222")}).errors),
                Contains(HasSubstr("twice")));
    EXPECT_THAT(texts(servers({}).errors), Contains(HasSubstr("at least one")));
}

TEST(Config, SecretsNeverStandInAMessage) {
    const auto given = input({{"nats.password", number(4711)},
                              {"nats.user", text("u")},
                              {"nats.servers", {List{text("http://u:4711@a"), number(1)}}},
                              {"backend.process.env", {Map{{"TOKEN", number(4711)}}}}});
    const auto outcome = make_config(given);
    EXPECT_EQ(outcome.errors.size(), 4U);
    for (const auto& message : texts(outcome.errors))
        EXPECT_THAT(message, Not(HasSubstr("4711")));
}

TEST(Config, OneKindOfLogin) {
    EXPECT_THAT(errors(input({{"nats.user", text("u")}, {"nats.passwordFile", text("/p")}})),
                IsEmpty());
    EXPECT_THAT(errors(input({{"nats.user", text("u")}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.passwordFile", text("/p")}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.user", text("u")},
                              {"nats.password", text("p")},
                              {"nats.passwordFile", text("/p")}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.credentials", text("/c")}, {"nats.tokenFile", text("/t")}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"nats.tls.cert", text("/c")}})), Not(IsEmpty()));
}

TEST(Config, TheEnvironmentCountsMoreThanTheFileAndFlagsMoreThanBoth) {
    auto given = input();
    given.overrides = environment_overrides(
        {{"CLUSTER_ID", "env"}, {"NODE_ID", "envnode"}, {"NATS_URL", "a, b:1"}, {"HOME", "/"}});
    given.overrides.push_back({"flag --node-id", "nodeId", text("flagnode")});
    const auto config = make_config(given).config;
    EXPECT_EQ(config.cluster_id, "env");
    EXPECT_EQ(config.node_id, "flagnode");
    EXPECT_THAT(config.nats.servers, ElementsAre("nats://a:4222", "nats://b:1"));
}

TEST(Config, AnEmptyVariableOverridesNothingAndAWrongOneIsNamed) {
    auto given = input();
    given.overrides = environment_overrides({{"CLUSTER_ID", ""}, {"NODE_ID", "a b"}});
    EXPECT_THAT(errors(given), ElementsAre(HasSubstr("environment NODE_ID: nodeId = \"a b\"")));
}

// defects.md C31
TEST(Config, AVirtualAddressHasAnInterfaceAndAPrefixThatFits) {
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
        make_config(input({{"vip.address", text("10.0.0.1")}, {"vip.interface", text("eth0")}}));
    EXPECT_THAT(plain.config.vips, ElementsAre(VipConfig{"10.0.0.1", 24, "eth0"}));
}

TEST(Config, SeveralVirtualAddressesAreAList) {
    const Map first{{"address", text("10.0.0.1")}, {"interface", text("eth0")}};
    const Map second{
        {"address", text("fd00::1")}, {"prefix", number(64)}, {"interface", text("eth1")}};
    const auto outcome = make_config(input({{"vips", {List{{first}, {second}}}}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_THAT(outcome.config.vips,
                ElementsAre(VipConfig{"10.0.0.1", 32, "eth0"}, VipConfig{"fd00::1", 64, "eth1"}));
    EXPECT_THAT(errors(input({{"vips", {List{{first}, {first}}}}})), Contains(HasSubstr("twice")));
    EXPECT_THAT(errors(input({{"vips", {List{number(1)}}}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"vips", number(1)}})), Not(IsEmpty()));
}

TEST(Config, ServicesAreNamedByPeople) {
    const auto outcome = make_config(input({{"services.http.port", number(3210)},
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
}

TEST(Config, TheTwoListenersDoNotShareAPort) {
    EXPECT_THAT(errors(input({{"metrics.listen", text("0.0.0.0:8080")}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"api.listen", text("127.0.0.1:9000")},
                              {"metrics.listen", text("127.0.0.2:9000")}})),
                IsEmpty());
}

TEST(Config, ANodeWithAProcessNamesItsProgram) {
    EXPECT_THAT(errors(input({{"backend.process.command", {List{}}}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.command", {List{text("")}}}})), Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.limits", {Map{{"files", number(1)}}}}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.limits", {Map{{"nofile", number(-1)}}}}})),
                Not(IsEmpty()));
    EXPECT_THAT(errors(input({{"backend.process.env", {Map{{"A=B", text("")}}}}})), Not(IsEmpty()));
}

TEST(Config, NullLeavesTheDefault) {
    const auto outcome = make_config(input({{"election.leaderTtlMs", {}}, {"vip", {}}}));
    EXPECT_THAT(texts(outcome.errors), IsEmpty());
    EXPECT_EQ(outcome.config.election.timing.ttl, 10s);
}

TEST(Config, AFileThatHoldsNoObjectIsRefused) {
    ConfigInput given{.file = "c.json", .root = {List{}}, .overrides = {}};
    EXPECT_THAT(errors(given), Contains(HasSubstr("must hold one object")));
    set(given.root = {}, "election", number(3));
    EXPECT_THAT(errors(given), Contains(HasSubstr("election = 3: is a number, and an object")));
}

TEST(HostPort, IsReadStrictly) {
    EXPECT_EQ(*parse_host_port("a:1"), (HostPort{"a", 1}));
    EXPECT_EQ(*parse_host_port("[::1]:65535"), (HostPort{"::1", 65535}));
    EXPECT_EQ(to_text(HostPort{"::1", 2}), "[::1]:2");
    for (const auto* bad :
         {"", ":", "a", "a:", ":1", "a:0", "a:65536", "a:-1", "a:1x", "::1:2", "a b:1", "[]:1"})
        EXPECT_FALSE(parse_host_port(bad)) << bad;
}

TEST(ConfigValue, ItsTextIsShortAndHarmless) {
    EXPECT_EQ(to_text(ConfigValue{Map{{"a", {List{number(1), {true}, {}}}}}}),
              "{\"a\": [1, true, null]}");
    const auto text = to_text(ConfigValue{std::string(200, 'x')});
    EXPECT_LE(text.size(), 84U);
    EXPECT_EQ(to_text(ConfigValue{std::string{"\x1b[31m"}}), "\"?[31m\"");
    EXPECT_EQ(to_text(ConfigValue{10000.5}), "10000.5");
    EXPECT_EQ(to_text(ConfigValue{1e30}), "1e+30");
}

TEST(ConfigKeys, NoPathStandsThereTwiceAndEachDefaultFitsItsType) {
    std::set<std::string_view> seen;
    for (const auto& key : config_keys()) {
        EXPECT_TRUE(seen.insert(key.path).second) << key.path;
        EXPECT_FALSE(key.purpose.empty()) << key.path;
        EXPECT_EQ(std::string{key.purpose}.find('|'), std::string::npos) << key.path;
        if (key.type == ConfigType::number && !key.fallback.empty()) {
            const auto value = parse_number(key.fallback);
            ASSERT_TRUE(value) << key.path;
            EXPECT_GE(static_cast<std::int64_t>(*value), key.least) << key.path;
            EXPECT_LE(static_cast<std::int64_t>(*value), key.most) << key.path;
        }
    }
}

}  // namespace
}  // namespace model
