// What a command can find out without NATS.
#include "app/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/adapters/http/server.h"
#include "tests/support/result.h"

namespace app {
namespace {

using adapters::http::Server;
using model::Errc;
using test_support::code_of;
using ::testing::HasSubstr;

class AskOwnDaemon : public testing::Test {
protected:
    AskOwnDaemon() {
        config_.cluster_id = "prod";
        config_.node_id = "n1";
        config_.api.host = "127.0.0.1";
    }
    model::Result<model::NodeStatus> ask(const std::string& body) {
        const Server server{"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body};
        config_.api.port = server.port();
        return ask_own_daemon(config_);
    }

    config::Config config_;
};

constexpr const char* page =
    R"({"node": "n1", "cluster": "prod", "role": "PRIMARY", "backend": {"status": "running"}})";

TEST_F(AskOwnDaemon, IsWhatItsApiSays) {
    const auto status = ask(page);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(status->role, model::Role::primary);
    EXPECT_EQ(status->backend_status, "running");
}

TEST_F(AskOwnDaemon, OneThatListensAtAllAddressesListensAtThisOne) {
    config_.api.host = "0.0.0.0";
    EXPECT_TRUE(ask(page));
}

TEST_F(AskOwnDaemon, AnotherNodesApiIsNotItsOwn) {
    config_.node_id = "n2";
    const auto other = ask(page);
    EXPECT_EQ(code_of(other), Errc::invalid);
    EXPECT_THAT(other.error().message, HasSubstr("is the API of node n1 of cluster prod"));
    config_.node_id = "n1";
    config_.cluster_id = "test";
    EXPECT_EQ(code_of(ask(page)), Errc::invalid);
}

TEST_F(AskOwnDaemon, AnotherServiceIsNoDaemon) {
    EXPECT_EQ(code_of(ask("<html>")), Errc::corrupt);
    {
        const Server gone{"", false};
        config_.api.port = gone.port();
    }
    EXPECT_EQ(code_of(ask_own_daemon(config_)), Errc::unavailable);
}

TEST(RequestId, IsDifferentEachTime) {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i)
        seen.insert(new_request_id());
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_EQ(seen.begin()->size(), 16U);
}

}  // namespace
}  // namespace app
