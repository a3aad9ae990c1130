// The stores on three servers that replicate each other.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/eventually.h"
#include "tests/support/nats_server.h"
#include "tests/support/result.h"

namespace adapters::nats {
namespace {

using model::as_bytes;
using model::Errc;
using model::Revision;
using model::Sequence;
using namespace std::chrono_literals;
using test_support::code_of;
using test_support::eventually;

class Cluster : public testing::Test {
protected:
    Cluster() {
        const bool created = eventually([&] { return kv_.ensure().has_value(); }, 40s) &&
                             eventually([&] { return log_.ensure().has_value(); }, 40s);
        EXPECT_TRUE(created) << kv_.ensure().error().message;
    }

    std::shared_ptr<Connection> connect() {
        return connected_client({.servers = cluster_.urls(), .name = "t", .timeout = 1s});
    }
    std::size_t leader_of(const std::string& stream) {
        const auto info = nlohmann::json::parse(ask(*client_, "$JS.API.STREAM.INFO." + stream));
        return static_cast<std::size_t>(
            std::stoi(info["cluster"]["leader"].get<std::string>().substr(1)));
    }

    test_support::NatsCluster cluster_{3};
    std::shared_ptr<Connection> client_ = connect();
    KvStore kv_{client_, {.bucket = "b"}};
    LogStore log_{client_, {.bucket = "b"}};
};

// nats.md fact 1: on servers before 2.9.21 two writers win where only the key's sequence is
// expected.
TEST_F(Cluster, ThreeReplicasAreMadeAndOneOfTheWritersThatRaceWins) {
    EXPECT_EQ(kv_.ensure().value().replicas, 3U);
    EXPECT_EQ(log_.ensure().value().replicas, 3U);
    const auto other_client = connect();
    KvStore other{other_client, {.bucket = "b"}};
    auto revision = kv_.update("leader", as_bytes("0"), Revision{});
    ASSERT_TRUE(revision) << revision.error().message;
    for (int round = 0; round < 300; ++round) {
        std::optional<model::Result<Revision>> theirs;
        std::jthread thread{[&] { theirs = other.update("leader", as_bytes("b"), *revision); }};
        const auto ours = kv_.update("leader", as_bytes("a"), *revision);
        thread.join();
        ASSERT_EQ(ours.has_value() + theirs->has_value(), 1) << round;
        revision = ours ? *ours : **theirs;
    }
}

TEST_F(Cluster, TheDeathOfTheStreamsLeaderLosesNothingThatWasAcknowledged) {
    ASSERT_TRUE(log_.publish_meta({.name = "first", .nuid = "n"}, Sequence{0}));
    cluster_.at(leader_of("OBJ_b")).stop();
    // Until a new leader is elected, answers are unavailable or unknown, and in time.
    Sequence last{1};
    const bool back = eventually(
        [&] {
            const auto begin = std::chrono::steady_clock::now();
            const auto stored = log_.publish_meta({.name = "second", .nuid = "n"}, last);
            EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
            if (stored) return true;
            // The answer to an earlier attempt was lost: it is stored, as a read shows.
            if (stored.error().code == Errc::conflict) return true;
            EXPECT_TRUE(stored.error().code == Errc::unavailable ||
                        stored.error().code == Errc::unknown_outcome)
                << stored.error().message;
            return false;
        },
        30s);
    ASSERT_TRUE(back);
    ASSERT_TRUE(eventually([&] { return log_.state().has_value(); }));
    EXPECT_EQ(log_.next_meta(Sequence{1}).value()->meta.name, "first");
    EXPECT_EQ(log_.next_meta(Sequence{2}).value()->meta.name, "second");
    EXPECT_EQ(log_.state().value().last, Sequence{2}) << "stored once";
}

// A bucket created before the third server has joined would have one replica for ever, so creation
// waits; but not without a limit.
TEST(TwoServers, AreGivenTimeToBecomeThreeBeforeOneReplicaHasToDo) {
    test_support::NatsCluster cluster{2};
    const auto client = connected_client({.servers = cluster.urls(), .name = "t", .timeout = 1s});
    KvStore kv{client, {.bucket = "b"}};
    std::optional<std::chrono::steady_clock::time_point> refused_at;
    model::Result<Ensured> ensured{Ensured{}};
    const bool created = eventually(
        [&] {
            ensured = kv.ensure();
            if (ensured) return true;
            EXPECT_EQ(code_of(ensured), Errc::unavailable);
            const bool too_few = ensured.error().message.find("(10005)") != std::string::npos;
            if (too_few && !refused_at) refused_at = std::chrono::steady_clock::now();
            return false;
        },
        60s);
    ASSERT_TRUE(created) << ensured.error().message;
    EXPECT_EQ(ensured->replicas, 1U);
    ASSERT_TRUE(refused_at);
    EXPECT_GE(std::chrono::steady_clock::now() - *refused_at, 14s);
}

}  // namespace
}  // namespace adapters::nats
