// Errors of the stores when the server does not answer: certainly not sent, or perhaps applied.
#include <gtest/gtest.h>

#include <chrono>

#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/eventually.h"
#include "tests/support/nats_server.h"
#include "tests/support/relay.h"
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
using test_support::NatsServer;

constexpr auto timeout = 500ms;
// A call may begin at the moment of a disconnect, and the machine may be busy.
constexpr auto longest = 2 * timeout + 500ms;

/// Runs a call and checks that it kept its deadline.
template <typename Call>
auto timed(const Call& call) {
    const auto begin = std::chrono::steady_clock::now();
    auto result = call();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, longest);
    return result;
}

class Outage : public testing::Test {
protected:
    Outage() {
        EXPECT_TRUE(eventually([&] { return kv_.ensure().has_value(); }));
        EXPECT_TRUE(eventually([&] { return log_.ensure().has_value(); }));
        revision_ = kv_.update("leader", as_bytes("first"), Revision{}).value();
    }

    NatsServer server_;
    std::shared_ptr<Connection> connection_ =
        connected_client({.servers = {server_.url()}, .name = "role", .timeout = timeout});
    KvStore kv_{connection_, {.bucket = "b"}};
    LogStore log_{connection_, {.bucket = "b"}};
    Revision revision_;
};

TEST_F(Outage, AWriteToAFrozenServerIsUnknownAndMayBeAppliedLater) {
    server_.freeze();
    const auto written = timed([&] { return kv_.update("leader", as_bytes("late"), revision_); });
    ASSERT_FALSE(written);
    EXPECT_EQ(code_of(written), Errc::unknown_outcome) << written.error().message;
    server_.thaw();
    // nats.md fact 5: the write is applied nevertheless.
    EXPECT_TRUE(eventually([&] {
        const auto entry = kv_.get("leader");
        return entry && *entry && model::to_text((*entry)->value) == "late";
    }));
}

TEST_F(Outage, EveryCallToAFrozenServerEndsInTime) {
    server_.freeze();
    EXPECT_EQ(timed([&] { return kv_.get("leader"); }).error().code, Errc::unavailable);
    EXPECT_EQ(timed([&] { return kv_.list(); }).error().code, Errc::unavailable);
    EXPECT_EQ(timed([&] { return kv_.put("k", as_bytes("x")); }).error().code,
              Errc::unknown_outcome);
    server_.thaw();
    ASSERT_TRUE(eventually([&] { return kv_.get("leader").has_value(); }));
    server_.freeze();
    EXPECT_EQ(timed([&] { return log_.state(); }).error().code, Errc::unavailable);
    EXPECT_EQ(timed([&] { return log_.next_meta(Sequence{}); }).error().code, Errc::unavailable);
    EXPECT_EQ(timed([&] { return log_.publish_meta({.name = "a"}, Sequence{0}); }).error().code,
              Errc::unknown_outcome);
    server_.thaw();
}

TEST_F(Outage, AFrozenServerIsNoticedAndThenNothingIsSent) {
    server_.freeze();
    // Two pings of a second each are needed.
    ASSERT_TRUE(eventually([&] { return !connection_->connected(); }, 8s));
    const auto written = timed([&] { return kv_.update("leader", as_bytes("x"), revision_); });
    EXPECT_EQ(code_of(written), Errc::unavailable) << written.error().message;
    const auto chunks = timed([&] {
        return log_.publish_chunks("n", {as_bytes("1"), as_bytes("2")}, {});
    });
    EXPECT_EQ(code_of(chunks), Errc::unavailable) << chunks.error().message;
    server_.thaw();
    const auto generation = connection_->connection_generation();
    ASSERT_TRUE(eventually([&] { return connection_->connected(); }));
    EXPECT_TRUE(eventually([&] { return connection_->connection_generation() > generation; }));
    EXPECT_EQ((**kv_.get("leader")).revision, revision_);
    EXPECT_EQ(log_.state().value().last, Sequence{0});
}

TEST_F(Outage, ManyChunksToAFrozenServerEndInTime) {
    const auto bulk =
        connected_client({.servers = {server_.url()}, .name = "bulk", .timeout = timeout});
    LogStore log{bulk, {.bucket = "b"}};
    const std::string piece(128 * 1024, 'x');
    const std::vector<model::ByteView> pieces(64, as_bytes(piece));
    server_.freeze();
    // 8 MiB fill the socket buffer: the write keeps the deadline, too.
    const auto written = timed([&] { return log.publish_chunks("n", pieces, {}); });
    EXPECT_EQ(code_of(written), Errc::unknown_outcome) << written.error().message;
    server_.thaw();
}

TEST_F(Outage, AKilledServerIsNoticedAtOnceAndNothingIsSentLate) {
    server_.stop();
    ASSERT_TRUE(eventually([&] { return !connection_->connected(); }, 2s));
    const auto written = timed([&] { return kv_.update("leader", as_bytes("x"), revision_); });
    EXPECT_EQ(code_of(written), Errc::unavailable) << written.error().message;
    EXPECT_EQ(timed([&] { return kv_.get("leader"); }).error().code, Errc::unavailable);
    server_.start();
    ASSERT_TRUE(eventually([&] { return kv_.get("leader").has_value(); }));
    EXPECT_EQ((**kv_.get("leader")).revision, revision_);
}

// defects.md C08: a write made while disconnected must not be sent after the reconnect.
TEST_F(Outage, WritesDuringAReconnectAreNeverSentAfterIt) {
    server_.stop();
    // The first write may be under way while the connection breaks.
    ASSERT_FALSE(kv_.put("while-away", as_bytes("x")));
    ASSERT_TRUE(eventually([&] { return !connection_->connected(); }, 2s));
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(code_of(kv_.put("while-away", as_bytes("x"))), Errc::unavailable);
    server_.start();
    ASSERT_TRUE(eventually([&] { return kv_.get("leader").has_value(); }));
    EXPECT_FALSE(kv_.get("while-away").value());
}

// defects.md C08: a message of a deposed node is delayed for longer than its lease.
TEST_F(Outage, AReleaseThatArrivesLateLeavesTheSuccessorsLeaseAlone) {
    test_support::Relay way{server_.port()};
    const auto deposed =
        connected_client({.servers = {way.url()}, .name = "deposed", .timeout = timeout});
    KvStore its{deposed, {.bucket = "b"}};
    ASSERT_TRUE(eventually([&] { return its.get("leader").has_value(); }));
    const auto generation = deposed->connection_generation();
    way.cut();
    const auto released = its.update("leader", as_bytes("released"), revision_);
    EXPECT_EQ(code_of(released), Errc::unknown_outcome);
    const auto taken = kv_.update("leader", as_bytes("successor"), revision_);
    ASSERT_TRUE(taken);
    way.resume();
    // The server answers in order: when this request is answered, the delayed one has arrived.
    ASSERT_TRUE(eventually([&] { return its.get("leader").has_value(); }));
    EXPECT_EQ(deposed->connection_generation(), generation)
        << "it connected anew, and nothing arrived late";
    const auto entry = kv_.get("leader").value();
    ASSERT_TRUE(entry);
    EXPECT_EQ(model::to_text(entry->value), "successor");
    EXPECT_EQ(entry->revision, *taken);
}

TEST_F(Outage, AStoreThatLostItsDataIsAnotherStream) {
    ASSERT_TRUE(log_.publish_meta({.name = "a", .nuid = "n"}, Sequence{0}));
    const auto before = log_.state().value();
    server_.stop();
    server_.wipe();
    server_.start();
    ASSERT_TRUE(eventually([&] { return connection_->connected(); }));
    EXPECT_EQ(code_of(log_.state()), Errc::unavailable);
    EXPECT_EQ(code_of(kv_.get("leader")), Errc::unavailable) << "not an absent key";
    ASSERT_TRUE(eventually([&] { return log_.ensure().has_value(); }));
    EXPECT_NE(log_.state().value().created, before.created);
    EXPECT_EQ(log_.state().value().last, Sequence{0});
}

}  // namespace
}  // namespace adapters::nats
