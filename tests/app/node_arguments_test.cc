#include "app/node_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace app {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

TEST(NodeArguments, AreTheDaemonsWithoutItsVerb) {
    const auto words = [](const Words& daemon) { return node_arguments(daemon).words; };
    EXPECT_THAT(words({"daemon", "-c", "/x", "--node-id", "n2"}),
                ElementsAre("-c", "/x", "--node-id", "n2"));
    EXPECT_THAT(words({"-c", "/x", "daemon", "--log-level=debug"}),
                ElementsAre("-c", "/x", "--log-level=debug"));
    EXPECT_THAT(words({"-c", "/x"}), ElementsAre("-c", "/x"));
    EXPECT_THAT(words({}), IsEmpty());
}

TEST(NodeArguments, KeepAValueThatReadsLikeTheVerbOrAnOption) {
    EXPECT_THAT(node_arguments({"daemon", "--cluster-id", "daemon"}).words,
                ElementsAre("--cluster-id", "daemon"));
    const auto path = node_arguments({"-c", "--nats", "--node-id=--nats=u:p@a"});
    EXPECT_THAT(path.words, ElementsAre("-c", "--nats", "--node-id=--nats=u:p@a"));
    EXPECT_EQ(path.nats_url, std::nullopt);
}

TEST(NodeArguments, LeaveServersWithoutALoginWhereTheyAre) {
    const auto node = node_arguments({"daemon", "--nats", "nats://a:1,b", "--nats=tls://c"});
    EXPECT_THAT(node.words, ElementsAre("--nats", "nats://a:1,b", "--nats=tls://c"));
    EXPECT_EQ(node.nats_url, std::nullopt);
}

TEST(NodeArguments, MoveAllServersToTheEnvironmentWhereOneHasALogin) {
    EXPECT_EQ(node_arguments({"--nats", "nats://u:p@a:1"}).nats_url, "nats://u:p@a:1");
    EXPECT_EQ(node_arguments({"--nats=token@a"}).nats_url, "token@a");
    const auto node = node_arguments(
        {"daemon", "--nats", "a,nats://u:p%40ss@b", "-c", "/x", "--nats=c", "--node-id", "n"});
    EXPECT_THAT(node.words, ElementsAre("-c", "/x", "--node-id", "n"));
    EXPECT_EQ(node.nats_url, "a,nats://u:p%40ss@b,c");
}

}  // namespace
}  // namespace app
