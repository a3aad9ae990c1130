#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refused(const std::vector<std::string>& arguments) {
    const auto parsed = parse_command_line(arguments);
    return parsed ? "" : parsed.error().message;
}

TEST(CommandLine, WithoutAVerbIsTheDaemon) {
    const auto parsed = parse_command_line({});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->verb, "daemon");
    EXPECT_EQ(parsed->config_path, "/etc/convex/cluster.json");
    EXPECT_EQ(parse_command_line({"-c", "/x"})->verb, "daemon");
}

TEST(CommandLine, OptionsStandBeforeOrAfterTheVerbInBothSpellings) {
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"-c", "/x", "status", "-o", "json"},
                                               {"status", "--config=/x", "--output=json"},
                                               {"--config", "/x", "status", "--output", "json"}}) {
        const auto parsed = parse_command_line(arguments);
        ASSERT_TRUE(parsed) << parsed.error().message;
        EXPECT_EQ(parsed->verb, "status");
        EXPECT_EQ(parsed->config_path, "/x");
        EXPECT_EQ(parsed->output, Output::json);
    }
}

TEST(CommandLine, InitTakesServersAgainOrWithCommas) {
    const auto parsed = parse_command_line({"init",
                                            "--cluster-id",
                                            "c",
                                            "--node-id",
                                            "n",
                                            "--nats",
                                            "a:1,b:2",
                                            "--nats",
                                            "c:3",
                                            "--vip",
                                            "10.0.0.1",
                                            "--interface",
                                            "eth0",
                                            "--vip-netmask",
                                            "28",
                                            "--force"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_THAT(parsed->init.servers, ElementsAre("a:1", "b:2", "c:3"));
    EXPECT_EQ(parsed->init.vip_netmask, 28);
    EXPECT_TRUE(parsed->init.force);
    EXPECT_TRUE(parsed->overrides.empty());
}

TEST(CommandLine, InitTakesTheBackend) {
    const auto with = [](std::vector<std::string> more) {
        std::vector<std::string> all{
            "init", "--cluster-id", "c", "--node-id", "n", "--nats", "a:1"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    };
    const auto unit = parse_command_line(with({"--backend",
                                               "systemd",
                                               "--service-name",
                                               "notes",
                                               "--data-path",
                                               "/d/x",
                                               "--replica-path",
                                               "/r/x",
                                               "--health-endpoint",
                                               "none"}));
    ASSERT_TRUE(unit) << unit.error().message;
    EXPECT_EQ(unit->init.backend, "systemd");
    EXPECT_EQ(unit->init.service_name, "notes");
    EXPECT_EQ(unit->init.data_path, "/d/x");
    EXPECT_EQ(unit->init.replica_path, "/r/x");
    EXPECT_EQ(unit->init.health_endpoint, "");
    const auto process = parse_command_line(with({"--command", "/bin/a  -b", "--command", "c"}));
    ASSERT_TRUE(process) << process.error().message;
    EXPECT_THAT(process->init.command, ElementsAre("/bin/a", "-b", "c"));
    EXPECT_FALSE(process->init.health_endpoint);
    EXPECT_THAT(refused(with({"--backend", "docker"})), HasSubstr("systemd or process"));
    EXPECT_THAT(refused(with({"--backend", "process"})), HasSubstr("--command"));
    EXPECT_THAT(refused(with({"--backend", "systemd", "--command", "a"})), HasSubstr("--command"));
    EXPECT_THAT(refused(with({"--service-name", "a", "--command", "b"})),
                HasSubstr("or a process"));
}

TEST(CommandLine, FlagsCountMoreThanTheFile) {
    const auto parsed =
        parse_command_line({"daemon", "--node-id", "n2", "--nats", "a:1", "--log-level", "debug"});
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->overrides.size(), 3U);
    EXPECT_EQ(parsed->overrides[0].key, "log.level");
    EXPECT_EQ(parsed->overrides[1].key, "nodeId");
    EXPECT_EQ(parsed->overrides[1].where, "flag --node-id");
    EXPECT_EQ(parsed->overrides[2].key, "nats.servers");
}

TEST(CommandLine, RemoveNamesItsNodeAndFailoverIsForced) {
    EXPECT_EQ(parse_command_line({"remove", "n2"})->subject, "n2");
    EXPECT_EQ(parse_command_line({"remove", "-c", "/x", "n2"})->subject, "n2");
    EXPECT_THAT(refused({"remove"}), HasSubstr("remove needs the node"));
    EXPECT_THAT(refused({"remove", "n2", "n3"}), HasSubstr("\"n3\" is not expected"));
    EXPECT_THAT(refused({"remove", "n 2"}), HasSubstr("\"n 2\" is no node id"));
    EXPECT_TRUE(parse_command_line({"remove", "--help"})->help);
    EXPECT_THAT(refused({"failover"}), HasSubstr("failover needs --force"));
    EXPECT_FALSE(parse_command_line({"failover", "--force"})->yes);
    EXPECT_TRUE(parse_command_line({"failover", "--force", "--yes"})->yes);
    EXPECT_THAT(refused({"promote", "--yes"}), HasSubstr("--yes does not belong to promote"));
    for (const char* const verb : {"pause", "resume"})
        EXPECT_EQ(parse_command_line({verb})->verb, verb);
}

TEST(CommandLine, WhatIsWrongIsNamed) {
    EXPECT_THAT(refused({"start"}), HasSubstr("\"start\" is not a verb"));
    EXPECT_THAT(refused({"status", "n2"}), HasSubstr("\"n2\" is not expected after status"));
    EXPECT_THAT(refused({"status", "--verbose"}), HasSubstr("--verbose is not an option"));
    EXPECT_THAT(refused({"-x"}), HasSubstr("-x is not an option"));
    EXPECT_THAT(refused({"status", "-c"}), HasSubstr("-c needs a value"));
    EXPECT_THAT(refused({"status", "--config="}), HasSubstr("needs a value"));
    EXPECT_THAT(refused({"status", "-o", "xml"}), HasSubstr("table or json"));
    EXPECT_THAT(refused({"daemon", "-o", "json"}), HasSubstr("does not belong to daemon"));
    EXPECT_THAT(refused({"promote", "--timeout", "0"}), HasSubstr("from 1 to 86400"));
    EXPECT_THAT(refused({"promote", "--force=yes"}), HasSubstr("takes no value"));
    EXPECT_THAT(refused({"daemon", "--log-level", "loud"}), HasSubstr("debug, info"));
    EXPECT_THAT(refused({"init"}), HasSubstr("--cluster-id"));
    EXPECT_THAT(refused({"init", "--cluster-id", "c", "--node-id", "n"}), HasSubstr("--nats"));
    EXPECT_THAT(
        refused({"init", "--cluster-id", "c", "--node-id", "n", "--nats", "a", "--vip", "1"}),
        HasSubstr("--interface is required when --vip is specified"));
    EXPECT_THAT(refused({"init", "--vip-netmask", "129"}), HasSubstr("from 1 to 128"));
}

TEST(CommandLine, HelpNamesEveryVerbButNotTheInnerOne) {
    EXPECT_TRUE(parse_command_line({"--help"})->help);
    EXPECT_TRUE(parse_command_line({"init", "-h"})->help);
    EXPECT_TRUE(parse_command_line({"help"})->help);
    EXPECT_EQ(parse_command_line({"--version"})->verb, "version");
    const auto help = help_text();
    for (const char* verb : {"init",
                             "join",
                             "leave",
                             "status",
                             "list",
                             "promote",
                             "demote",
                             "fence",
                             "daemon",
                             "version"})
        EXPECT_THAT(help, HasSubstr(std::string{"\n  "} + verb + " "));
    EXPECT_EQ(help.find("\n  node"), std::string::npos);
}

TEST(CommandLine, ANodeProcessGetsItsSocket) {
    EXPECT_EQ(parse_command_line({"node", "--fd", "7"})->fd, 7);
    EXPECT_THAT(refused({"node", "--fd", "-1"}), HasSubstr("must be a number"));
    EXPECT_EQ(parse_command_line({"promote", "--timeout", "5"})->patience, 5s);
}

}  // namespace
}  // namespace cli
