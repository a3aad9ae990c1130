#include "cli/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_line.h"

namespace cli {
namespace {

using Verb = ServicesCommand::Verb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

model::Result<Command> parse(const std::vector<std::string>& arguments) {
    return parse_command_line(arguments);
}
ServicesCommand parsed(const std::vector<std::string>& arguments) {
    const auto command = parse(arguments);
    EXPECT_TRUE(command) << command.error().message;
    EXPECT_EQ(command->verb, "services");
    return command ? command->services : ServicesCommand{};
}
std::string refusal(const std::vector<std::string>& arguments) {
    const auto command = parse(arguments);
    return command ? "accepted" : command.error().message;
}

TEST(ServicesLine, HasVerbsFiltersAndOutputs) {
    EXPECT_EQ(parsed({"services", "list"}).verb, Verb::list);
    EXPECT_EQ(parsed({"services", "watch", "-o", "yaml"}).output, ServicesCommand::Output::yaml);
    const auto show = parsed({"services", "show", "http", "--output=json"});
    EXPECT_EQ(show.verb, Verb::show);
    EXPECT_EQ(show.filter.name, "http");
    EXPECT_EQ(show.output, ServicesCommand::Output::json);
    const auto list = parsed({"services",
                              "list",
                              "--name",
                              "a",
                              "--node",
                              "n1",
                              "--tag",
                              "x",
                              "--tag",
                              "y",
                              "--meta",
                              "k=v=w",
                              "--health",
                              "standby"});
    EXPECT_EQ(list.filter.name, "a");
    EXPECT_EQ(list.filter.node, "n1");
    EXPECT_THAT(list.filter.tags, ElementsAre("x", "y"));
    EXPECT_EQ(list.filter.metadata.at("k"), "v=w");
    EXPECT_EQ(list.filter.health, model::ServiceHealth::standby);
}

TEST(ServicesLine, TheOutputOfAnExportIsAFile) {
    const auto given = parsed(
        {"services", "export", "--format", "consul", "--tag", "t", "--output", "/f", "--watch"});
    EXPECT_EQ(given.verb, Verb::export_);
    EXPECT_EQ(given.format, model::ExportFormat::consul);
    EXPECT_EQ(given.file, "/f");
    EXPECT_TRUE(given.watch);
    EXPECT_EQ(parsed({"services", "export"}).format, model::ExportFormat::prometheus);
}

TEST(ServicesLine, OptionsOfEveryVerbStandAnywhere) {
    const auto command = parse({"-c",
                                "/c.json",
                                "--node-id",
                                "services",
                                "services",
                                "--nats",
                                "h",
                                "list",
                                "--log-level=debug"});
    ASSERT_TRUE(command) << command.error().message;
    EXPECT_EQ(command->config_path, "/c.json");
    EXPECT_EQ(command->overrides.size(), 3U);
    EXPECT_TRUE(parse({"services", "--help"})->help);
    EXPECT_EQ(parse({"status"})->verb, "status");
    EXPECT_THAT(help_text(), HasSubstr("services export"));
}

TEST(ServicesLine, WhatIsWrongIsNamed) {
    EXPECT_THAT(refusal({"services"}), HasSubstr("one of list, show, watch, export"));
    EXPECT_THAT(refusal({"services", "register"}), HasSubstr("\"register\" is not a verb"));
    EXPECT_THAT(refusal({"services", "list", "x"}), HasSubstr("\"x\" is not expected"));
    EXPECT_THAT(refusal({"services", "show"}), HasSubstr("needs the name"));
    EXPECT_THAT(refusal({"services", "list", "--format", "json"}),
                HasSubstr("belongs to services export"));
    EXPECT_THAT(refusal({"services", "list", "--watch"}), HasSubstr("belongs to services export"));
    EXPECT_THAT(refusal({"services", "export", "--format", "xml"}),
                HasSubstr("prometheus, http-sd"));
    EXPECT_THAT(refusal({"services", "list", "-o", "xml"}), HasSubstr("table, json or yaml"));
    EXPECT_THAT(refusal({"services", "list", "--meta", "k"}), HasSubstr("KEY=VALUE"));
    EXPECT_THAT(refusal({"services", "list", "--health", "up"}), HasSubstr("standby"));
    EXPECT_THAT(refusal({"services", "list", "--tag"}), HasSubstr("needs a value"));
    EXPECT_THAT(refusal({"services", "list", "--unknown", "x"}),
                HasSubstr("--unknown is not an option"));
}

model::ServiceEntry entry(std::string name, std::string node) {
    return {.name = std::move(name),
            .node_id = std::move(node),
            .address = "10.0.0.1",
            .port = 80,
            .protocol = "http",
            .path = "/p",
            .metadata = {{"k", "v"}},
            .tags = {"a", "b"},
            .health = model::ServiceHealth::passing,
            .registered_at = {0},
            .updated_at = {0},
            .role = "PRIMARY"};
}

class Services : public testing::Test {
protected:
    int run(const std::vector<std::string>& arguments) {
        std::vector<std::string> line{"services"};
        line.insert(line.end(), arguments.begin(), arguments.end());
        out_.clear();
        err_.clear();
        return run_services(parsed(line),
                            "prod",
                            {.find = [this]() -> model::Result<model::FoundServices> {
                                 if (down_)
                                     return model::error(model::Errc::unavailable, "no NATS");
                                 return found_;
                             },
                             .watch =
                                 [this](const model::ServiceFilter& filter, const auto& changed) {
                                     for (auto each : changes_) {
                                         each.entries = filtered(each.entries, filter);
                                         if (!changed(each)) return;
                                     }
                                 },
                             .replace_file = [this](const std::string& path,
                                                    std::string_view text) -> model::Result<bool> {
                                 if (full_)
                                     return model::error(model::Errc::unavailable, path + ": full");
                                 files_.emplace_back(path, text);
                                 return true;
                             }},
                            {.out = [this](std::string_view text) { out_ += text; },
                             .err = [this](std::string_view text) { err_ += text; }});
    }

    model::FoundServices found_{{entry("http", "n1"), entry("metrics", "node-2")}, {}};
    std::vector<model::FoundServices> changes_{found_, {{entry("http", "n1")}, {}}};
    bool down_ = false;
    bool full_ = false;
    std::vector<std::pair<std::string, std::string>> files_;
    std::string out_;
    std::string err_;
};

TEST_F(Services, ListHasThePublishedColumns) {
    EXPECT_EQ(run({"list"}), exit_done);
    EXPECT_EQ(out_,
              "SERVICE  NODE    ADDRESS   PORT  PROTOCOL  HEALTH   TAGS\n"
              "http     n1      10.0.0.1  80    http      passing  a,b\n"
              "metrics  node-2  10.0.0.1  80    http      passing  a,b\n");
    EXPECT_EQ(run({"list", "--node", "n3"}), exit_done);
    EXPECT_EQ(out_, "No service is registered.\n");
    EXPECT_EQ(run({"list", "--node", "n3", "-o", "json"}), exit_done);
    EXPECT_EQ(out_, "[]\n");
    EXPECT_EQ(run({"list", "--node", "n1", "-o", "yaml"}), exit_done);
    EXPECT_THAT(out_, StartsWith("- name: \"http\"\n"));
}

// defects.md M16: what is registered is found by its name.
TEST_F(Services, M16_ShowFindsAServiceByItsName) {
    EXPECT_EQ(run({"show", "metrics"}), exit_done);
    EXPECT_EQ(out_,
              "metrics on node-2\n"
              "  Address:     10.0.0.1:80\n"
              "  Protocol:    http\n"
              "  Path:        /p\n"
              "  Health:      passing\n"
              "  Role:        PRIMARY\n"
              "  Tags:        a, b\n"
              "  Metadata:    k=v\n"
              "  Registered:  1970-01-01T00:00:00.000Z\n"
              "  Updated:     1970-01-01T00:00:00.000Z\n");
    EXPECT_EQ(run({"show", "other"}), exit_failed);
    EXPECT_EQ(out_, "");
    EXPECT_EQ(err_, "Error: no service \"other\" is registered\n");
}

// The published cron line empties the targets file when the registry cannot be read.
TEST_F(Services, WhereTheRegistryCannotBeReadNothingIsPrintedAndTheStatusSaysSo) {
    down_ = true;
    for (const auto* verb : {"list", "export"}) {
        EXPECT_EQ(run({verb}), exit_failed);
        EXPECT_EQ(out_, "");
        EXPECT_EQ(err_, "Error: no NATS\n");
    }
    EXPECT_EQ(run({"export", "--output", "/f"}), exit_failed);
    EXPECT_THAT(files_, IsEmpty());
}

TEST_F(Services, ExportGoesToStdoutOrToAFile) {
    EXPECT_EQ(run({"export", "--name", "http"}), exit_done);
    EXPECT_THAT(out_, HasSubstr("\"10.0.0.1:80\""));
    EXPECT_THAT(out_, Not(HasSubstr("node-2")));
    const auto text = out_;
    EXPECT_EQ(run({"export", "--name", "http", "--output", "/f"}), exit_done);
    EXPECT_EQ(out_, "");
    EXPECT_THAT(files_, ElementsAre(std::pair<std::string, std::string>{"/f", text}));
    full_ = true;
    EXPECT_EQ(run({"export", "--output", "/f"}), exit_failed);
    EXPECT_EQ(err_, "Error: /f: full\n");
}

TEST_F(Services, WatchShowsEachChange) {
    EXPECT_EQ(run({"watch"}), exit_done);
    EXPECT_THAT(out_, HasSubstr("a,b\n\nSERVICE"));
    EXPECT_EQ(run({"export", "--watch", "--output", "/f"}), exit_done);
    EXPECT_EQ(files_.size(), 2U);
    full_ = true;
    EXPECT_EQ(run({"export", "--watch", "--output", "/f"}), exit_failed);
}

TEST_F(Services, RecordsThatAreSkippedAreCountedAndNamed) {
    found_.unreadable = {{"junk", {1}, "junk: no\x1b JSON"}};
    EXPECT_EQ(run({"list"}), exit_done);
    EXPECT_EQ(err_,
              "warning: 1 record of the registry cannot be read and is left out:\n"
              "  junk: no? JSON\n");
}

TEST_F(Services, NothingInTheRegistryMovesATerminalsCursor) {
    found_.entries[0].tags = {"\x1b[2J"};
    EXPECT_EQ(run({"list"}), exit_done);
    EXPECT_THAT(out_, HasSubstr("?[2J"));
    EXPECT_EQ(run({"show", "http"}), exit_done);
    EXPECT_THAT(out_, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace cli
