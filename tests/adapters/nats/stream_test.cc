// Creation of buckets, and how existing ones are treated.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/sync/mutex.h"
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
using nlohmann::json;
using namespace std::chrono_literals;
using test_support::code_of;
using test_support::eventually;

class Streams : public testing::Test {
protected:
    json api(const std::string& subject, const json& body = json::object()) {
        return json::parse(ask(*client_, "$JS.API." + subject, body.dump()));
    }
    json config_of(const std::string& stream) { return api("STREAM.INFO." + stream)["config"]; }

    test_support::NatsServer server_;
    std::shared_ptr<Connection> client_ = connected_client(server_.url());
};

TEST_F(Streams, AKvBucketIsMadeAsAdr8SaysItWithoutAgeLimit) {
    KvStore kv{client_, {.bucket = "convex-c1-election"}};
    const auto created = kv.ensure();
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_TRUE(created->created);
    EXPECT_EQ(created->replicas, 1U) << "one server allows one";
    const auto config = config_of("KV_convex-c1-election");
    EXPECT_EQ(config["subjects"], json::array({"$KV.convex-c1-election.>"}));
    EXPECT_EQ(config["max_age"], 0);
    EXPECT_EQ(config["max_msgs_per_subject"], 1);
    EXPECT_EQ(config["discard"], "new");
    EXPECT_EQ(config["allow_rollup_hdrs"], true);
    EXPECT_EQ(config["allow_direct"], true);
    EXPECT_EQ(config["deny_delete"], true);
    EXPECT_EQ(config["storage"], "file");
    EXPECT_GT(config["max_consumers"], 1000);

    const auto again = kv.ensure();
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->created);
}

// nats-server 2.9 crashes (nil pointer) when a stream that is still being created is asked for a
// message.
TEST_F(Streams, AnEmptyStreamIsNeverAskedForAMessage) {
    KvStore kv{client_, {.bucket = "c1"}};
    LogStore log{client_, {.bucket = "c1"}};
    ASSERT_TRUE(kv.ensure());
    ASSERT_TRUE(log.ensure());
    std::atomic<int> asked = 0;
    std::atomic<int> seen_to = 0;
    const auto watcher = connected_client(server_.url());
    // One subscription, so that messages arrive in the order in which they were sent.
    const auto all = watcher->subscribe(">", [&](const Incoming& message) {
        if (message.subject.starts_with("$JS.API.STREAM.MSG.GET.")) ++asked;
        if (message.subject.starts_with("end.")) seen_to = std::stoi(message.subject.substr(4));
    });
    int ends = 0;
    const auto asked_by_now = [&] {
        const int before = ends;
        EXPECT_TRUE(eventually([&] {
            (void)client_->publish({.subject = "end." + std::to_string(++ends)});
            return seen_to > before;
        }));
        return asked.load();
    };
    ASSERT_EQ(kv.get("leader").value(), std::nullopt);
    ASSERT_EQ(log.next_meta(Sequence{1}).value(), std::nullopt);
    EXPECT_EQ(asked_by_now(), 0);
    ASSERT_TRUE(kv.update("leader", as_bytes("n1"), Revision{}));
    ASSERT_TRUE(kv.get("leader").value());
    EXPECT_EQ(asked_by_now(), 1);
}

// defects.md C25: the WAL bucket has to be created by hand, which is documented nowhere.
TEST_F(Streams, AnObjectBucketIsMadeAsAdr20SaysIt) {
    LogStore log{client_, {.bucket = "convex-c1-wal"}};
    ASSERT_TRUE(log.ensure());
    const auto config = config_of("OBJ_convex-c1-wal");
    EXPECT_EQ(config["subjects"], json::array({"$O.convex-c1-wal.C.>", "$O.convex-c1-wal.M.>"}));
    EXPECT_EQ(config["max_age"], 0);
    EXPECT_EQ(config["max_msgs_per_subject"], -1);
    EXPECT_EQ(config["discard"], "new");
    EXPECT_EQ(config["deny_delete"], false);
    EXPECT_EQ(config["deny_purge"], false);
    EXPECT_GT(config["max_consumers"], 1000);
}

TEST_F(Streams, MoreReplicasThanServersAreInvalidWhenAskedFor) {
    KvStore kv{client_, {.bucket = "b", .replicas = 3}};
    const auto created = kv.ensure();
    ASSERT_FALSE(created);
    EXPECT_EQ(code_of(created), Errc::invalid);
    EXPECT_NE(created.error().message.find("replicas"), std::string::npos)
        << created.error().message;
}

TEST_F(Streams, ANameThatIsNoBucketIsInvalid) {
    EXPECT_EQ((KvStore{client_, {.bucket = "a.b"}}.ensure().error().code), Errc::invalid);
    EXPECT_EQ((LogStore{client_, {.bucket = ""}}.ensure().error().code), Errc::invalid);
}

TEST_F(Streams, KeysThatCannotBeSubjectsAreInvalid) {
    KvStore kv{client_, {.bucket = "b"}};
    ASSERT_TRUE(kv.ensure());
    for (const auto* bad : {"", ">", "*", "a b", "a.", "a..b"}) {
        EXPECT_EQ(code_of(kv.get(bad)), Errc::invalid) << bad;
        EXPECT_EQ(code_of(kv.put(bad, {})), Errc::invalid) << bad;
        EXPECT_EQ(code_of(kv.update(bad, {}, Revision{})), Errc::invalid) << bad;
        EXPECT_EQ(code_of(kv.erase(bad, Revision{1})), Errc::invalid) << bad;
    }
    LogStore log{client_, {.bucket = "b"}};
    ASSERT_TRUE(log.ensure());
    EXPECT_EQ(code_of(log.next_chunk(">", Sequence{})), Errc::invalid);
    EXPECT_EQ(code_of(log.publish_chunks("*", {as_bytes("x")}, Sequence{})), Errc::invalid);
}

TEST_F(Streams, ABucketThatIsNotThereIsUnavailableNotEmpty) {
    KvStore kv{client_, {.bucket = "absent"}};
    EXPECT_EQ(code_of(kv.get("k")), Errc::unavailable);
    EXPECT_EQ(code_of(kv.list()), Errc::unavailable);
    EXPECT_EQ(code_of(kv.put("k", as_bytes("x"))), Errc::unavailable);
    EXPECT_EQ(code_of(kv.update("k", as_bytes("x"), Revision{})), Errc::unavailable);
    LogStore log{client_, {.bucket = "absent"}};
    EXPECT_EQ(code_of(log.state()), Errc::unavailable);
    EXPECT_EQ(code_of(log.next_meta(Sequence{})), Errc::unavailable);
    EXPECT_EQ(code_of(log.next_chunk("x", Sequence{})), Errc::unavailable);
    EXPECT_EQ(code_of(log.publish_meta({.name = "x"}, Sequence{})), Errc::unavailable);
}

// contracts.md 1.2: a command that only reads creates neither bucket nor stream.
TEST_F(Streams, ABucketThatAClientReadsIsMadeByItsFirstWriteAlone) {
    KvStore kv{client_, {.bucket = "later", .replicas = 1, .created_by_write = true}};
    EXPECT_EQ(kv.get("k").value(), std::nullopt);
    EXPECT_TRUE(kv.list().value().empty());
    EXPECT_EQ(kv.last_revision().value(), Revision{});
    EXPECT_EQ(code_of(kv.erase("k", Revision{3})), Errc::unavailable);
    LogStore log{client_, {.bucket = "later"}};
    EXPECT_FALSE(log.exists().value());
    EXPECT_EQ(api("STREAM.NAMES")["total"], 0);

    ASSERT_TRUE(kv.update("k", as_bytes("x"), Revision{}));
    EXPECT_EQ(config_of("KV_later")["max_msgs_per_subject"], 1);
    EXPECT_TRUE(kv.get("k").value());
    KvStore other{client_, {.bucket = "other", .replicas = 1, .created_by_write = true}};
    ASSERT_TRUE(other.put("k", as_bytes("x")));
    EXPECT_EQ(config_of("KV_other")["max_msgs_per_subject"], 1);
    ASSERT_TRUE(log.ensure());
    EXPECT_TRUE(log.exists().value());
}

// A server that does not answer proves nothing about its contents.
TEST_F(Streams, WhatDoesNotAnswerIsNotEmpty) {
    const auto impatient = connected_client(server_.url(), 200ms);
    KvStore kv{impatient, {.bucket = "b", .created_by_write = true}};
    LogStore log{impatient, {.bucket = "b"}};
    server_.freeze();
    EXPECT_EQ(code_of(kv.get("k")), Errc::unavailable);
    EXPECT_EQ(code_of(kv.list()), Errc::unavailable);
    EXPECT_EQ(code_of(kv.last_revision()), Errc::unavailable);
    EXPECT_EQ(code_of(kv.update("k", as_bytes("x"), Revision{})), Errc::unavailable);
    EXPECT_EQ(code_of(log.exists()), Errc::unavailable);
    server_.thaw();
}

// contracts.md 3: the Go manager's election bucket drops its key after the ttl.
TEST_F(Streams, TheAgeLimitOfAnOldElectionBucketIsRemovedAndItsDataKept) {
    api("STREAM.CREATE.KV_old",
        {{"name", "KV_old"},
         {"subjects", {"$KV.old.>"}},
         {"max_age", 3'600'000'000'000},
         {"max_msgs_per_subject", 1},
         {"discard", "new"},
         {"description", "theirs"},
         {"allow_rollup_hdrs", true},
         {"deny_delete", true},
         {"num_replicas", 1},
         {"storage", "memory"}});
    ask(*client_, "$KV.old.cooldown-n1", "x");
    ask(*client_, "$KV.old.leader", "n1");
    ask(*client_, "$KV.old.cooldown-n2", "x");

    KvStore kept{client_, {.bucket = "old"}};
    const auto present = kept.ensure();
    ASSERT_TRUE(present) << present.error().message;
    EXPECT_FALSE(present->created);
    EXPECT_FALSE(present->age_removed);
    EXPECT_EQ(config_of("KV_old")["max_age"], 3'600'000'000'000);

    KvStore election{client_, {.bucket = "old", .remove_age = true}};
    const auto changed = election.ensure();
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_TRUE(changed->age_removed);
    const auto config = config_of("KV_old");
    EXPECT_EQ(config["max_age"], 0);
    EXPECT_EQ(config["description"], "theirs");
    EXPECT_EQ(config["storage"], "memory");
    EXPECT_FALSE(election.ensure()->age_removed);

    // The bucket has other keys, so the stream's last sequence is not the record's revision.
    const auto leader = election.get("leader").value();
    ASSERT_TRUE(leader);
    EXPECT_EQ(model::to_text(leader->value), "n1");
    EXPECT_EQ(leader->revision, Revision{2});
    EXPECT_TRUE(election.update("leader", as_bytes("ours"), leader->revision));
    EXPECT_FALSE(election.update("leader", as_bytes("lost"), leader->revision));
}

TEST_F(Streams, TwoNodesMakeABucketAtTheSameMoment) {
    const auto other = connected_client(server_.url());
    for (int i = 0; i < 10; ++i) {
        const auto bucket = "b" + std::to_string(i);
        KvStore a{client_, {.bucket = bucket}};
        KvStore b{other, {.bucket = bucket}};
        std::optional<model::Result<Ensured>> from_b;
        {
            std::jthread thread{[&] { from_b = b.ensure(); }};
            const auto from_a = a.ensure();
            EXPECT_TRUE(from_a) << from_a.error().message;
        }
        EXPECT_TRUE(*from_b) << from_b->error().message;
    }
}

TEST_F(Streams, AMarkerOfANewerServerIsADeletedKey) {
    KvStore kv{client_, {.bucket = "b"}};
    ASSERT_TRUE(kv.ensure());
    ASSERT_TRUE(
        client_->request({.subject = "$KV.b.k", .headers = {{"Nats-Marker-Reason", "MaxAge"}}}));
    EXPECT_FALSE(kv.get("k").value());
    EXPECT_TRUE(kv.list().value().empty());
    EXPECT_TRUE(kv.update("k", as_bytes("x"), Revision{}));
    ASSERT_TRUE(client_->request({.subject = "$KV.b.k", .headers = {{"KV-Operation", "PURGE"}}}));
    EXPECT_FALSE(kv.get("k").value());
}

// protocol.md S8: chunks may be read from any replica, but a bucket may forbid direct reads.
TEST_F(Streams, ChunksOfABucketWithoutDirectReadsAreRead) {
    api("STREAM.CREATE.OBJ_old",
        {{"name", "OBJ_old"},
         {"subjects", {"$O.old.C.>", "$O.old.M.>"}},
         {"num_replicas", 1},
         {"storage", "file"}});
    LogStore log{client_, {.bucket = "old"}};
    ASSERT_TRUE(log.ensure());
    const auto last = log.publish_chunks("n", {as_bytes("abc")}, Sequence{});
    ASSERT_TRUE(last);
    const auto chunk = log.next_chunk("n", Sequence{}).value();
    ASSERT_TRUE(chunk);
    EXPECT_EQ(model::to_text(chunk->data), "abc");
    EXPECT_FALSE(log.next_chunk("n", Sequence{2}).value());
}

TEST(Permissions, ChunksAreReadFromTheLeaderWhereDirectReadsAreForbidden) {
    test_support::NatsServer server{
        "authorization { users: [ { user: u, password: p, permissions: "
        "{ publish: { deny: [\"$JS.API.DIRECT.GET.>\"] } } } ] }"};
    const auto client = connected_client({.servers = {server.url()}, .user = "u", .password = "p"});
    LogStore log{client, {.bucket = "b"}};
    ASSERT_TRUE(log.ensure());
    ASSERT_TRUE(log.publish_chunks("n", {as_bytes("abc")}, Sequence{}));
    // A forbidden request gets no answer, which the first call finds out.
    EXPECT_TRUE(eventually([&] {
        const auto chunk = log.next_chunk("n", Sequence{});
        return chunk && *chunk && model::to_text((*chunk)->data) == "abc";
    }));
    EXPECT_NE(client->last_reason().find("$JS.API.DIRECT.GET"), std::string::npos)
        << client->last_reason();
}

// Refusals without end, each 100 ms late: the call as a whole keeps its deadline.
TEST_F(Streams, ACompareAndSetOfManyTriesEndsInTime) {
    api("STREAM.CREATE.KV_b",
        {{"name", "KV_b"}, {"subjects", {"$KV.b.other"}}, {"num_replicas", 1}});
    std::atomic<int> refused = 0;
    class {
    public:
        void push(const std::string& reply) {
            const sync::Lock lock{mutex_};
            replies_.push_back(reply);
        }
        std::optional<std::string> pop() {
            const sync::Lock lock{mutex_};
            if (replies_.empty()) return std::nullopt;
            auto reply = std::move(replies_.front());
            replies_.pop_front();
            return reply;
        }

    private:
        sync::Mutex mutex_;
        std::deque<std::string> replies_ GUARDED_BY(mutex_);
    } waiting;
    const auto impostor = client_->subscribe(
        "$KV.b.k", [&](const Incoming& message) { waiting.push(message.reply); });
    std::jthread slow{[&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::this_thread::sleep_for(20ms);
            const auto reply = waiting.pop();
            if (!reply) continue;
            (void)client_->publish(
                {.subject = *reply,
                 .payload = as_bytes(
                     R"({"error":{"err_code":10071,"description":"wrong last sequence: 1"}})")});
            ++refused;
        }
    }};
    ASSERT_TRUE(eventually([&] { return client_->request({.subject = "$KV.b.k"}).has_value(); }));
    const auto role = connected_client(server_.url(), 500ms);
    KvStore kv{role, {.bucket = "b"}};
    refused = 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto written = kv.update("k", as_bytes("x"), Revision{});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
    ASSERT_FALSE(written);
    EXPECT_GE(refused, 2);
}

TEST_F(Streams, AnAckThatWasNotPredictedIsUnknown) {
    LogStore log{client_, {.bucket = "b"}};
    ASSERT_TRUE(log.ensure());
    // A second responder on the stream's subject: two answers to one publish, the false one first.
    api("STREAM.DELETE.OBJ_b");
    const auto impostor = client_->subscribe("$O.b.M.>", [&](const Incoming& message) {
        (void)client_->publish(
            {.subject = message.reply, .payload = as_bytes(R"({"stream":"OBJ_b","seq":9})")});
    });
    ASSERT_TRUE(eventually([&] { return client_->request({.subject = "$O.b.M.x"}).has_value(); }));
    EXPECT_EQ(code_of(log.publish_meta({.name = "x"}, Sequence{3})), Errc::unknown_outcome);
    EXPECT_EQ(log.publish_meta({.name = "x"}, Sequence{8}).value(), Sequence{9});
}

TEST_F(Streams, AnswersThatAreNotUnderstoodAreUnknownNotStored) {
    std::string payload;
    const auto impostor = client_->subscribe("$KV.b.>", [&](const Incoming& message) {
        (void)client_->publish({.subject = message.reply, .payload = as_bytes(payload)});
    });
    ASSERT_TRUE(eventually([&] { return client_->request({.subject = "$KV.b.x"}).has_value(); }));
    KvStore kv{client_, {.bucket = "b"}};
    for (const auto* text : {"",
                             "no json",
                             "{}",
                             R"({"stream":"KV_b"})",
                             R"({"stream":"KV_b","seq":0})",
                             R"({"stream":"KV_b","seq":-1})",
                             R"({"error":{"code":503,"err_code":10077,"description":"no space"}})",
                             R"({"error":{}})",
                             R"({"error":"text"})"}) {
        payload = text;
        const auto written = kv.put("k", as_bytes("v"));
        ASSERT_FALSE(written) << text;
        EXPECT_EQ(code_of(written), Errc::unknown_outcome) << text;
    }
}

}  // namespace
}  // namespace adapters::nats
