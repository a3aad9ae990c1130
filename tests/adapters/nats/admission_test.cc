// A connection is used only after its admission function admitted it: L12 of docs/protocol.md.
#include <gmock/gmock.h>

#include <atomic>
#include <map>

#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/nats/store_identity.h"
#include "adapters/sync/mutex.h"
#include "model/names.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/nats_server.h"
#include "tests/support/result.h"

namespace adapters::nats {
namespace {

using model::Errc;
using model::StoreIdentity;
using model::StoreMatch;
using namespace std::chrono_literals;
using test_support::code_of;
using test_support::eventually;
using test_support::NatsServer;
using testing::HasSubstr;
using Verdict = Admission::Verdict;

/// An admission function with a preset answer, which counts its calls.
class Door {
public:
    Admit admit() {
        return [this](const Reached& reached) {
            const sync::Lock lock{mutex_};
            ++asked_[reached.server];
            const auto found = answers_.find(reached.server);
            return found == answers_.end() ? Admission{.verdict = Verdict::wait, .why = "not yet"}
                                           : found->second;
        };
    }
    void set(const std::string& server, Verdict verdict) {
        const sync::Lock lock{mutex_};
        answers_[server] = {.verdict = verdict,
                            .why = verdict == Verdict::admitted ? "" : "another store"};
    }
    int asked(const std::string& server) {
        const sync::Lock lock{mutex_};
        return asked_[server];
    }

private:
    sync::Mutex mutex_;
    std::map<std::string, Admission> answers_ GUARDED_BY(mutex_);
    std::map<std::string, int> asked_ GUARDED_BY(mutex_);
};

class AdmissionTest : public testing::Test {
protected:
    std::shared_ptr<Connection> open(std::vector<std::string> servers) {
        return Connection::open(
                   {.servers = std::move(servers), .name = "t", .timeout = 500ms},
                   [this](const ConnectionEvent& event) {
                       if (event.connected) ++connected_;
                       if (!event.connected) ++disconnected_;
                   },
                   door_.admit())
            .value();
    }

    NatsServer a_;
    NatsServer b_;
    Door door_;
    std::atomic<int> connected_ = 0;
    std::atomic<int> disconnected_ = 0;
};

TEST_F(AdmissionTest, NothingGoesOverAConnectThatWaits) {
    const auto connection = open({a_.url()});
    std::atomic<int> heard = 0;
    const auto other = connected_client(a_.url());
    const auto echo = other->subscribe("echo", [&](const Incoming&) { ++heard; });
    ASSERT_TRUE(eventually([&] { return door_.asked(a_.url()) > 0; }));
    EXPECT_FALSE(connection->connected());
    EXPECT_EQ(connection->server(), "");
    const auto answer = connection->request({.subject = "echo"});
    ASSERT_EQ(code_of(answer), Errc::unavailable);
    EXPECT_THAT(answer.error().message, HasSubstr("not yet"));
    EXPECT_EQ(code_of(connection->publish({.subject = "echo"})), Errc::unavailable);
    EXPECT_EQ(connected_, 0);

    std::atomic<int> changes = 0;
    const auto registration = connection->on_change([&] { ++changes; });
    door_.set(a_.url(), Verdict::admitted);
    connection->ask_again();
    ASSERT_TRUE(eventually([&] { return connection->connected(); }, 400ms));
    EXPECT_EQ(connection->server(), a_.url());
    ASSERT_TRUE(eventually([&] { return connected_ == 1 && changes > 0; }));
    EXPECT_EQ(heard, 0);
    EXPECT_TRUE(connection->publish({.subject = "echo"}));
    EXPECT_TRUE(eventually([&] { return heard == 1; }));
}

TEST_F(AdmissionTest, AServerThatIsLeftIsFollowedByTheNextOne) {
    door_.set(a_.url(), Verdict::leave);
    door_.set(b_.url(), Verdict::admitted);
    for (int i = 0; i < 4; ++i) {
        const auto connection = open({a_.url(), b_.url()});
        ASSERT_TRUE(eventually([&] { return connection->connected(); }));
        EXPECT_EQ(connection->server(), b_.url());
    }
}

TEST_F(AdmissionTest, WhereAllAreLeftEachIsTriedAgainAndAgain) {
    door_.set(a_.url(), Verdict::leave);
    door_.set(b_.url(), Verdict::leave);
    const auto connection = open({a_.url(), b_.url()});
    ASSERT_TRUE(
        eventually([&] { return door_.asked(a_.url()) >= 2 && door_.asked(b_.url()) >= 2; }, 10s));
    EXPECT_FALSE(connection->connected());
    EXPECT_EQ(connected_, 0);
    EXPECT_EQ(disconnected_, 1) << "a reason that repeats is reported once";
    door_.set(a_.url(), Verdict::admitted);
    ASSERT_TRUE(eventually([&] { return connection->connected(); }, 10s));
    EXPECT_EQ(connection->server(), a_.url());
}

// Requests under the old connect end; later ones wait for the new admission.
TEST_F(AdmissionTest, AReconnectIsAskedAboutAnew) {
    door_.set(a_.url(), Verdict::admitted);
    door_.set(b_.url(), Verdict::leave);
    const auto connection = open({a_.url(), b_.url()});
    ASSERT_TRUE(eventually([&] { return connection->connected(); }));
    const auto generation = connection->connection_generation();
    const auto other = connected_client(b_.url());
    std::atomic<int> heard = 0;
    const auto echo = other->subscribe("echo", [&](const Incoming&) { ++heard; });

    const auto asked = door_.asked(b_.url());
    a_.stop();
    ASSERT_TRUE(eventually([&] { return door_.asked(b_.url()) > asked; }));
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(code_of(connection->request({.subject = "echo"})), Errc::unavailable);
    EXPECT_EQ(code_of(connection->publish({.subject = "echo"})), Errc::unavailable);
    a_.start();
    ASSERT_TRUE(eventually([&] { return connection->connected(); }, 10s));
    EXPECT_EQ(connection->server(), a_.url());
    EXPECT_GT(connection->connection_generation(), generation);
    EXPECT_EQ(heard, 0) << "sent to a server that was not admitted";
}

TEST_F(AdmissionTest, AReconnectToTheSameServerGoesOnAtOnce) {
    door_.set(a_.url(), Verdict::admitted);
    const auto connection = open({a_.url()});
    ASSERT_TRUE(eventually([&] { return connection->connected(); }));
    a_.stop();
    ASSERT_TRUE(eventually([&] { return !connection->connected(); }));
    a_.start();
    ASSERT_TRUE(eventually([&] { return connection->connected(); }, 5s));
    EXPECT_EQ(connection->connection_generation(), 2U);
    EXPECT_EQ(door_.asked(a_.url()), 2);
}

TEST_F(AdmissionTest, CanAskTheServerBeforeItAnswers) {
    const auto streams = model::stream_names("c");
    std::atomic<bool> empty = false;
    const auto connection =
        Connection::open(
            {.servers = {a_.url()}, .name = "t", .timeout = 500ms},
            {},
            [&](const Reached& reached) {
                const auto identity = read_store_identity(
                    reached.exchange, streams, std::chrono::steady_clock::now() + 500ms);
                empty = identity.surely_empty();
                return Admission{.verdict = empty ? Verdict::admitted : Verdict::wait,
                                 .why = "no answer"};
            })
            .value();
    ASSERT_TRUE(eventually([&] { return connection->connected(); }));
    EXPECT_TRUE(empty);
}

TEST_F(AdmissionTest, AProbeDistinguishesTwoServers) {
    const auto streams = model::stream_names("c");
    const auto names = model::store_names("c");
    const auto probe = [&](const NatsServer& server) {
        return probe_store({.name = "probe", .timeout = 500ms}, server.url(), streams, 1s, {});
    };
    EXPECT_TRUE(probe(a_).value().surely_empty());
    std::vector<StoreIdentity> found;
    for (const auto* server : {&a_, &b_}) {
        const auto client = connected_client(server->url());
        ASSERT_TRUE((KvStore{client, {.bucket = names.election}}.ensure()));
        ASSERT_TRUE((KvStore{client, {.bucket = names.state}}.ensure()));
        ASSERT_TRUE((LogStore{client, {.bucket = names.wal}}.ensure()));
        found.push_back(probe(*server).value());
        EXPECT_TRUE(found.back().every_stream());
        EXPECT_EQ(probe(*server).value(), found.back());
    }
    EXPECT_EQ(compare(found[0], found[1]), StoreMatch::other);
    a_.stop();
    const auto absent = probe(a_);
    ASSERT_EQ(code_of(absent), Errc::unavailable);
    EXPECT_NE(absent.error().message, "");
}

TEST_F(AdmissionTest, AServerThatAnswersForNoStreamShowsNoStore) {
    const NatsServer closed{
        "authorization { users: [ { user: u, password: p,"
        " permissions: { publish: { deny: \"$JS.API.>\" } } } ] }"};
    const auto found =
        probe_store({.name = "probe", .timeout = 500ms, .user = "u", .password = "p"},
                    closed.url(),
                    model::stream_names("c"),
                    1s,
                    {});
    EXPECT_EQ(code_of(found), Errc::unavailable);
}

}  // namespace
}  // namespace adapters::nats
