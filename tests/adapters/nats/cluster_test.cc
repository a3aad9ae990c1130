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
        const bool made = eventually([&] { return kv_.ensure().has_value(); }, 40s) &&
                          eventually([&] { return log_.ensure().has_value(); }, 40s);
        EXPECT_TRUE(made) << kv_.ensure().error().message;
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

// nats.md fact 1: on servers before 2.9.21 the key's expectation alone lets two writers win.
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
    // Until the others have chosen: unavailable or unknown, and in time.
    Sequence last{1};
    const bool back = eventually(
        [&] {
            const auto begin = std::chrono::steady_clock::now();
            const auto stored = log_.publish_meta({.name = "second", .nuid = "n"}, last);
            EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
            if (stored) return true;
            // The answer to an earlier try was lost: it is there, which a read tells.
            if (stored.error().code == Errc::conflict) return true;
            EXPECT_TRUE(stored.error().code == Errc::unavailable ||
                        stored.error().code == Errc::unknown_outcome)
                << stored.error().message;
            return false;
        },
        30s);
    ASSERT_TRUE(back);
    ASSERT_TRUE(eventually([&] { return log_.state().has_value(); }));
    EXPECT_EQ(log_.find_meta("first").value()->sequence, Sequence{1});
    EXPECT_EQ(log_.find_meta("second").value()->sequence, Sequence{2});
    EXPECT_EQ(log_.state().value().last, Sequence{2}) << "stored once";
}

// A bucket that is made while the third server has not joined yet would have one replica for ever:
// it is waited for, but not for ever either.
TEST(TwoServers, AreGivenTimeToBecomeThreeBeforeOneReplicaHasToDo) {
    test_support::NatsCluster cluster{2};
    const auto client = connected_client({.servers = cluster.urls(), .name = "t", .timeout = 1s});
    KvStore kv{client, {.bucket = "b"}};
    std::optional<std::chrono::steady_clock::time_point> refused_at;
    model::Result<Ensured> made{Ensured{}};
    const bool settled = eventually(
        [&] {
            made = kv.ensure();
            if (made) return true;
            EXPECT_EQ(code_of(made), Errc::unavailable);
            const bool too_few = made.error().message.find("(10005)") != std::string::npos;
            if (too_few && !refused_at) refused_at = std::chrono::steady_clock::now();
            return false;
        },
        60s);
    ASSERT_TRUE(settled) << made.error().message;
    EXPECT_EQ(made->replicas, 1U);
    ASSERT_TRUE(refused_at);
    EXPECT_GE(std::chrono::steady_clock::now() - *refused_at, 14s);
}

}  // namespace
}  // namespace adapters::nats
