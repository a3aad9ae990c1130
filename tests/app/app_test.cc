// The library's interface without a cluster: configurations built in code and loaded from files.
#include "app/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/app/environment.h"
#include "tests/support/result.h"
#include "tests/support/temp_dir.h"

namespace cluster {
namespace {

using namespace std::chrono_literals;
using model::Errc;
using test_support::code_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(App, InCodeHasTheDefaultsOfEveryKey) {
    const App app{"prod", "n1", {"nats://a:4222", "nats://b:4222"}};
    const auto& config = app.config();
    EXPECT_EQ(config.cluster_id, "prod");
    EXPECT_EQ(config.node_id, "n1");
    EXPECT_THAT(config.nats.servers, ElementsAre("nats://a:4222", "nats://b:4222"));
    EXPECT_EQ(config.election.timing.ttl, 10s);
    EXPECT_EQ(config.election.timing.heartbeat, 3s);
    EXPECT_EQ(config.state_dir, "/var/lib/convex/manager");
    EXPECT_EQ(config.api, (model::HostPort{.host = "0.0.0.0", .port = 8080}));
    EXPECT_THAT(app.warnings(), IsEmpty());
}

TEST(App, EachFunctionSetsItsOwn) {
    App app{"prod", "n1", {"nats://a:4222"}};
    app.with_sqlite("/d/db", "/d/copy")
        .with_process_backend({"/usr/bin/backend", "--port", "1"}, "http://127.0.0.1:1/health")
        .with_lease(20s, 4s)
        .with_state("/s")
        .with_addresses({.host = "127.0.0.1", .port = 1}, {.host = "::1", .port = 2});
    const auto& config = app.config();
    EXPECT_EQ(config.backend.data_path, "/d/db");
    EXPECT_EQ(config.wal.replica_path, "/d/copy");
    EXPECT_EQ(config.backend.kind, config::Backend::Kind::process);
    EXPECT_THAT(config.backend.process.command, ElementsAre("/usr/bin/backend", "--port", "1"));
    EXPECT_EQ(config.backend.health_endpoint, "http://127.0.0.1:1/health");
    EXPECT_EQ(config.election.timing.ttl, 20s);
    EXPECT_EQ(config.election.timing.heartbeat, 4s);
    EXPECT_EQ(config.election.timing.margin, 4s);  // a fifth of the ttl
    EXPECT_EQ(config.election.timing.cooldown, 20s);
    EXPECT_EQ(config.state_dir, "/s");
    EXPECT_EQ(config.api.port, 1);
    EXPECT_EQ(config.metrics.host, "::1");
    EXPECT_THAT(app.problems(), IsEmpty());
}

TEST(App, AShortLeaseStillHasAMargin) {
    App app{"prod", "n1", {"nats://a:4222"}};
    EXPECT_EQ(app.with_lease(2500ms, 500ms).config().election.timing.margin, 500ms);
    EXPECT_EQ(app.with_lease(2000ms, 500ms).config().election.timing.margin, 500ms);
    EXPECT_EQ(app.with_lease(3000ms, 500ms).config().election.timing.margin, 600ms);
}

std::vector<std::string> keys(const std::vector<config::Problem>& problems) {
    std::vector<std::string> all;
    for (const auto& problem : problems)
        all.push_back(problem.key);
    return all;
}

TEST(App, SaysWhatIsWrongWithIt) {
    const auto app = [](const std::string& cluster, const std::string& node) {
        App built{cluster, node, {"nats://a:4222"}};
        built.with_sqlite("/d/db", "/d/copy").with_process_backend({"/bin/true"}, "");
        return built;
    };
    EXPECT_THAT(app("prod", "n1").problems(), IsEmpty());
    EXPECT_THAT(keys(app("pr.od", "n1").problems()), ElementsAre("clusterId"));
    EXPECT_THAT(keys(app("prod", "").problems()), ElementsAre("nodeId"));
    EXPECT_THAT(keys(App("prod", "n1", {}).with_process_backend({"/bin/true"}, "").problems()),
                ElementsAre("nats.servers"));
    // Two renewals must fit between a renewal and its fence time.
    EXPECT_THAT(keys(app("prod", "n1").with_lease(4s, 2s).problems()),
                testing::Contains(HasSubstr("election.")));
}

class LoadConfig : public testing::Test {
protected:
    LoadConfig() {
        for (const auto* name : {"CLUSTER_ID", "NODE_ID", "NATS_URL"})
            environment_.set(name, std::nullopt);
        write(R"({"clusterId": "file", "nodeId": "file", "nats": {"servers": ["nats://file:1"]},
                  "backend": {"process": {"command": ["/bin/true"]}}})");
    }
    void write(const std::string& text) const {
        std::ofstream{path_} << text;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_read);
        std::filesystem::permissions(
            path_, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
    }

    test_support::TempDir directory_;
    const std::string path_ = directory_.path() + "/cluster.json";
    test_app::Environment environment_;
};

TEST_F(LoadConfig, TakesTheFileThenTheEnvironmentThenTheFlags) {
    const auto file = App::load_config(path_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->config().cluster_id, "file");
    EXPECT_EQ(file->config().file, path_);

    environment_.set("CLUSTER_ID", "environment");
    environment_.set("NODE_ID", "environment");
    environment_.set("NATS_URL", "nats://one:1,nats://two:2");
    const auto with_environment = App::load_config(path_);
    ASSERT_TRUE(with_environment);
    EXPECT_EQ(with_environment->config().cluster_id, "environment");
    EXPECT_THAT(with_environment->config().nats.servers,
                ElementsAre("nats://one:1", "nats://two:2"));

    const auto with_flag = App::load_config(path_,
                                            {{.where = "flag --node-id",
                                              .key = "nodeId",
                                              .value = config::Value{std::string{"flag"}}}});
    ASSERT_TRUE(with_flag);
    EXPECT_EQ(with_flag->config().node_id, "flag");
    EXPECT_EQ(with_flag->config().cluster_id, "environment");
}

TEST_F(LoadConfig, AnEmptyVariableOverridesNothing) {
    environment_.set("CLUSTER_ID", "");
    EXPECT_EQ(App::load_config(path_)->config().cluster_id, "file");
}

TEST_F(LoadConfig, AWrongOverrideIsNamedByWhereItCameFrom) {
    environment_.set("NODE_ID", "not a name");
    const auto wrong = App::load_config(path_);
    EXPECT_EQ(code_of(wrong), Errc::invalid);
    EXPECT_THAT(wrong.error().message, HasSubstr("environment NODE_ID"));
}

TEST_F(LoadConfig, SaysWhatItDoesNotKnowAndGoesOn) {
    write(R"({"clusterId": "c", "nodeId": "n", "nats": {"servers": ["nats://a:1"]},
              "stateDirr": "/x"})");
    const auto app = App::load_config(path_);
    ASSERT_TRUE(app) << app.error().message;
    EXPECT_THAT(keys(app->warnings()), testing::Contains("stateDirr"));
}

TEST_F(LoadConfig, WithoutAFileOrWithAWrongOneFails) {
    EXPECT_EQ(code_of(App::load_config(directory_.path() + "/absent")), Errc::not_found);
    write("no JSON");
    EXPECT_EQ(code_of(App::load_config(path_)), Errc::invalid);
    write(R"({"clusterId": 7, "nodeId": 8})");
    const auto wrong = App::load_config(path_);
    EXPECT_EQ(code_of(wrong), Errc::invalid);
    EXPECT_THAT(wrong.error().message, HasSubstr("clusterId"));
    EXPECT_THAT(wrong.error().message, HasSubstr("nodeId"));
}

}  // namespace
}  // namespace cluster
