// The faults of the simulated store; its normal behaviour is tested in tests/contract.
#include <gtest/gtest.h>

#include "tests/sim/store/sim_kv_store.h"
#include "tests/sim/store/sim_log_store.h"
#include "tests/support/result.h"

namespace sim {
namespace {

using model::as_bytes;
using model::Errc;
using model::Revision;
using model::Sequence;
using model::to_text;
using test_support::code_of;

class SimStore : public testing::Test {
protected:
    SimStore() {
        EXPECT_TRUE(kv_a_.ensure());
        EXPECT_TRUE(log_a_.ensure());
    }

    SimServer server_;
    SimClient& a_ = server_.client("a");
    SimClient& b_ = server_.client("b");
    SimKvStore kv_a_{a_, "b"};
    SimKvStore kv_b_{b_, "b"};
    SimLogStore log_a_{a_, "b"};
    SimLogStore log_b_{b_, "b"};
};

TEST_F(SimStore, APartitionedClientReachesNothingAndIsNotWoken) {
    int woken = 0;
    kv_a_.on_change([&] { ++woken; });
    const auto generation = kv_a_.connection_generation();
    a_.set_partitioned(true);
    EXPECT_EQ(code_of(kv_a_.put("k", as_bytes("x"))), Errc::unavailable);
    EXPECT_EQ(code_of(kv_a_.get("k")), Errc::unavailable);
    EXPECT_EQ(code_of(log_a_.state()), Errc::unavailable);
    EXPECT_TRUE(kv_b_.put("k", as_bytes("b")));
    EXPECT_EQ(woken, 0);
    EXPECT_EQ(kv_a_.connection_generation(), generation);

    a_.set_partitioned(false);
    EXPECT_EQ(woken, 1);
    EXPECT_EQ(kv_a_.connection_generation(), generation + 1);
    EXPECT_EQ(to_text((**kv_a_.get("k")).value), "b");
}

TEST_F(SimStore, ALostRequestIsUnknownAndNotApplied) {
    a_.fail_next(SimFault::request_lost);
    EXPECT_EQ(code_of(kv_a_.put("k", as_bytes("x"))), Errc::unknown_outcome);
    EXPECT_FALSE(kv_a_.get("k").value());
    EXPECT_TRUE(kv_a_.put("k", as_bytes("x")));
}

TEST_F(SimStore, ALostAnswerIsUnknownAndApplied) {
    a_.fail_next(SimFault::answer_lost);
    EXPECT_EQ(code_of(kv_a_.update("k", as_bytes("x"), Revision{})), Errc::unknown_outcome);
    EXPECT_EQ(to_text((**kv_a_.get("k")).value), "x");
    a_.fail_next(SimFault::answer_lost);
    EXPECT_EQ(code_of(kv_a_.update("k", as_bytes("y"), Revision{})), Errc::unknown_outcome);
    EXPECT_EQ(to_text((**kv_a_.get("k")).value), "x") << "refused, and nobody was told";
}

TEST_F(SimStore, ALateRequestWinsOnlyIfNobodyElseDid) {
    const auto revision = kv_a_.update("k", as_bytes("0"), Revision{}).value();
    a_.fail_next(SimFault::late);
    EXPECT_EQ(code_of(kv_a_.update("k", as_bytes("late"), revision)), Errc::unknown_outcome);
    EXPECT_EQ(to_text((**kv_b_.get("k")).value), "0");
    ASSERT_EQ(a_.late(), 1U);
    a_.deliver_late();
    EXPECT_EQ(to_text((**kv_b_.get("k")).value), "late");

    const auto next = (**kv_b_.get("k")).revision;
    a_.fail_next(SimFault::late);
    EXPECT_FALSE(kv_a_.update("k", as_bytes("later"), next));
    ASSERT_TRUE(kv_b_.update("k", as_bytes("b"), next));
    a_.deliver_late();
    EXPECT_EQ(to_text((**kv_b_.get("k")).value), "b");
    EXPECT_EQ(a_.late(), 0U);
}

TEST_F(SimStore, ALateRequestIsRefusedWhenTheStreamWentOn) {
    const auto revision = kv_a_.update("k", as_bytes("0"), Revision{}).value();
    a_.fail_next(SimFault::late);
    EXPECT_FALSE(kv_a_.update("k", as_bytes("late"), revision));
    ASSERT_TRUE(kv_b_.put("other", as_bytes("x")));
    a_.deliver_late();
    EXPECT_EQ(to_text((**kv_b_.get("k")).value), "0");
}

TEST_F(SimStore, LateWritesArriveInOrderOrNever) {
    for (const auto* value : {"1", "2", "3"}) {
        a_.fail_next(SimFault::late);
        EXPECT_FALSE(kv_a_.put("k", as_bytes(value)));
    }
    a_.deliver_late(2);
    EXPECT_EQ(to_text((**kv_a_.get("k")).value), "2");
    a_.drop_late();
    a_.deliver_late();
    EXPECT_EQ(to_text((**kv_a_.get("k")).value), "2");
}

// nats.md 4.2: a pipelined message after a lost one may still find the expected sequence.
TEST_F(SimStore, APieceBehindALostOneIsJudgedByItsOwnExpectation) {
    a_.fail_next(SimFault::request_lost);
    const auto sent = log_a_.publish_chunks("n", {as_bytes("1"), as_bytes("2")}, Sequence{0});
    EXPECT_EQ(code_of(sent), Errc::conflict) << "the second was refused";
    EXPECT_EQ(log_a_.state().value().last, Sequence{0});

    a_.fail_next(SimFault::late);
    EXPECT_FALSE(log_a_.publish_chunks("n", {as_bytes("1")}, Sequence{0}));
    EXPECT_TRUE(log_b_.publish_meta({.name = "epoch"}, std::nullopt));
    a_.deliver_late();
    EXPECT_EQ(log_b_.state().value().last, Sequence{1}) << "fenced";
}

TEST_F(SimStore, AMarkerThatComesLateIsStored) {
    a_.fail_next(SimFault::late);
    EXPECT_EQ(code_of(log_a_.publish_meta({.name = "epoch"}, std::nullopt)), Errc::unknown_outcome);
    ASSERT_TRUE(log_b_.publish_meta({.name = "x"}, Sequence{0}));
    a_.deliver_late();
    EXPECT_EQ(log_b_.next_meta(Sequence{2}).value()->meta.name, "epoch");
}

TEST_F(SimStore, AStoreThatLosesItsNewestMessageGoesBackAndEverybodyReconnects) {
    ASSERT_TRUE(log_a_.publish_meta({.name = "x"}, Sequence{0}));
    ASSERT_TRUE(log_a_.publish_meta({.name = "y"}, Sequence{1}));
    const auto created = log_a_.state().value().created;
    const auto generation_a = log_a_.connection_generation();
    const auto generation_b = log_b_.connection_generation();
    server_.lose_last("OBJ_b");
    EXPECT_EQ(log_a_.connection_generation(), generation_a + 1);
    EXPECT_EQ(log_b_.connection_generation(), generation_b + 1);
    EXPECT_EQ(log_a_.state().value().last, Sequence{1});
    EXPECT_EQ(log_a_.state().value().created, created);
    EXPECT_FALSE(log_a_.next_meta(Sequence{2}).value());
    EXPECT_EQ(log_b_.publish_meta({.name = "z"}, Sequence{1}).value(), Sequence{2});
}

TEST_F(SimStore, AStreamThatIsMadeAgainIsAnotherOne) {
    const auto created = log_a_.state().value().created;
    server_.remove("OBJ_b");
    EXPECT_EQ(code_of(log_a_.state()), Errc::unavailable);
    EXPECT_EQ(code_of(log_a_.publish_meta({.name = "x"}, Sequence{0})), Errc::unavailable);
    ASSERT_TRUE(log_a_.ensure());
    EXPECT_NE(log_a_.state().value().created, created);
}

TEST_F(SimStore, FaultsMayBeDrawnForEachWrite) {
    int writes = 0;
    a_.set_faults([&] { return ++writes % 2 == 0 ? SimFault::request_lost : SimFault::none; });
    EXPECT_TRUE(kv_a_.put("k", as_bytes("1")));
    EXPECT_FALSE(kv_a_.put("k", as_bytes("2")));
    EXPECT_TRUE(kv_a_.put("k", as_bytes("3")));
    EXPECT_TRUE(kv_b_.put("k", as_bytes("4")));
    EXPECT_EQ(writes, 3);
}

}  // namespace
}  // namespace sim
