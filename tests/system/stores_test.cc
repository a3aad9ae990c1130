// nats.servers that name two stand-alone servers: rule L12 of docs/protocol.md.
#include <gmock/gmock.h>

#include <chrono>

#include "adapters/nats/store_identity.h"
#include "model/names.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/eventually.h"
#include "tests/support/nats_server.h"
#include "tests/support/processes.h"
#include "tests/support/temp_dir.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using test_support::Cluster;
using test_support::LivenessWatch;
using test_support::NatsServer;
using test_support::Writer;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;
using Ids = std::vector<std::int64_t>;

class TwoServers : public testing::Test {
protected:
    explicit TwoServers(int ttl_ms = 2'500)
        : cluster{{.nodes = 2, .ttl_ms = ttl_ms, .start = false}} {}

    NatsServer& a() { return cluster.server(); }
    void name(const std::vector<std::string>& servers) {
        for (int node = 1; node <= cluster.size(); ++node)
            cluster.options(node).nats_urls = servers;
    }
    void start_all() {
        for (int node = 1; node <= cluster.size(); ++node)
            cluster.start(node);
    }
    void stop_all() {
        for (int node = 1; node <= cluster.size(); ++node)
            EXPECT_EQ(cluster.stop(node), 0);
    }
    void wait_for_all_logs(const std::string& text) {
        cluster.wait_until("every log to have " + text, [&] {
            for (int node = 1; node <= cluster.size(); ++node)
                if (cluster.log(node).find(text) == std::string::npos) return false;
            return true;
        });
    }
    /// Longer than any wait before a takeover, plus the start of a backend.
    void wait_longer_than_any_takeover() {
        const auto until = Clock::now() + 10s;
        cluster.wait_until("the end of ten seconds", [&] { return Clock::now() >= until; });
    }
    static int count_of(const std::string& text, const std::string& word) {
        int count = 0;
        for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
            ++count;
        return count;
    }
    /// The identity of this cluster's store on a server.
    model::StoreIdentity in(const NatsServer& server) {
        auto found = adapters::nats::probe_store({.name = "test", .timeout = 5s},
                                                 server.url(),
                                                 model::stream_names(cluster.id()),
                                                 5s,
                                                 {});
        if (!found) throw std::runtime_error{found.error().message};
        return *found;
    }

    NatsServer b;
    Cluster cluster;
};

// The defect that was observed: two leaders, each ready, each acknowledging writes.
TEST_F(TwoServers, NeverMakeTwoLeadersOfEmptyNodes) {
    name({a().url(), b.url()});
    start_all();
    wait_for_all_logs("store.differs");
    wait_longer_than_any_takeover();
    for (int node = 1; node <= cluster.size(); ++node) {
        const auto log = cluster.log(node);
        EXPECT_THAT(log, Not(HasSubstr("lease.taken"))) << node;
        EXPECT_THAT(log, Not(HasSubstr("backend.starting"))) << node;
        EXPECT_FALSE(cluster.backend_lives(node)) << node;
    }
    // The operator removes the wrong name.
    stop_all();
    name({a().url()});
    start_all();
    EXPECT_NE(cluster.wait_serving(), 0);
    cluster.wait_replicated();
}

TEST_F(TwoServers, OfAClusterThatRunsTheOneWithItsLogIsUsedAndTheOtherIsLeftAlone) {
    start_all();
    Ids promised;
    {
        cluster.wait_serving();
        Writer writer{cluster.backend_ports()};
        ASSERT_TRUE(writer.wait_more(100));
        writer.stop();
        promised = writer.acknowledged();
    }
    cluster.wait_replicated();
    const auto epoch = cluster.poll()->epoch();
    stop_all();
    name({b.url(), a().url()});
    start_all();
    cluster.wait_serving(epoch);
    cluster.wait_replicated();
    wait_for_all_logs("store.differs");
    EXPECT_THAT(cluster.log(1), HasSubstr(b.url() + " is another store"));
    const auto now = cluster.poll().value();
    for (const auto* node : {"n1", "n2"})
        EXPECT_TRUE(now.condition(node, model::ConditionType::store_agreed)) << node;

    // Without it the cluster cannot continue, even though the other server answers.
    const auto starts = count_of(cluster.log(1) + cluster.log(2), "backend.starting");
    a().stop();
    cluster.wait_until("the end of every backend",
                       [&] { return !cluster.backend_lives(1) && !cluster.backend_lives(2); });
    wait_longer_than_any_takeover();
    EXPECT_EQ(count_of(cluster.log(1) + cluster.log(2), "backend.starting"), starts);
    EXPECT_TRUE(in(b).surely_empty());
    a().start();
    const int next = cluster.wait_serving(now.epoch());
    cluster.wait_replicated();
    EXPECT_EQ(test_support::missing(promised, test_support::notes_of(cluster.backend_port(next))),
              Ids{});
    EXPECT_TRUE(in(b).surely_empty());
}

// Two nodes that name one server each cannot detect the conflict. A node that names both can; then
// an operator decides which store counts.
TEST_F(TwoServers, ThatBothHaveALogStopEveryNodeThatNamesBoth) {
    cluster.options(1).nats_urls = {a().url()};
    cluster.options(2).nats_urls = {b.url()};
    start_all();
    wait_for_all_logs("backend.ready");
    wait_for_all_logs("snapshot.published");
    stop_all();
    name({a().url(), b.url()});
    start_all();
    wait_for_all_logs("store.differs");
    const auto starts = count_of(cluster.log(1) + cluster.log(2), "backend.starting");
    wait_longer_than_any_takeover();
    EXPECT_EQ(count_of(cluster.log(1) + cluster.log(2), "backend.starting"), starts);
    EXPECT_FALSE(cluster.backend_lives(1));
    EXPECT_FALSE(cluster.backend_lives(2));

    stop_all();
    name({a().url()});
    start_all();
    EXPECT_EQ(cluster.wait_serving(), 1);
    cluster.wait_until("the alarm of the node that had read the other log", [&] {
        return cluster.log(2).find("replica.alarm_raised") != std::string::npos;
    });
}

/// A command of a node, to its end.
test_support::Ended run(const std::string& config, const std::vector<std::string>& verb_and_flags) {
    auto command = Cluster::daemon(config);
    command.erase(command.begin() + 1);
    command.insert(command.begin() + 1, verb_and_flags.begin(), verb_and_flags.end());
    return test_support::run(command);
}

// A command of a node that has read the cluster's log uses its store; one of a node that has read
// none cannot tell, and neither reads nor writes.
TEST_F(TwoServers, AreDistinguishedByCommandsOrRefused) {
    start_all();
    const int leader = cluster.wait_serving();
    const int other = 3 - leader;
    cluster.wait_replicated();
    for (const auto& servers : {std::vector{b.url(), a().url()}, {a().url(), b.url()}}) {
        name(servers);
        const auto listed = run(cluster.write_config(other), {"list"});
        EXPECT_EQ(listed.status, 0) << listed.out;
        EXPECT_THAT(listed.out, HasSubstr(cluster.name(leader)));
        EXPECT_THAT(listed.out, HasSubstr("PRIMARY"));
        EXPECT_EQ(run(cluster.write_config(other), {"pause"}).status, 0);
        EXPECT_EQ(run(cluster.write_config(other), {"resume"}).status, 0);
    }
    // The same node, as if it had never run.
    cluster.options(other).state_dir = cluster.path(other, "none");
    for (const char* const verb : {"list", "status", "pause", "promote", "leave", "join"}) {
        const auto began = Clock::now();
        const auto refused = run(cluster.write_config(other), {verb});
        EXPECT_EQ(refused.status, 1) << verb << ": " << refused.err;
        EXPECT_THAT(refused.err, HasSubstr("nats.servers are not one store")) << verb;
        EXPECT_THAT(refused.err, HasSubstr(b.url() + " has no stream of this cluster"));
        EXPECT_LT(Clock::now() - began, 10s) << verb;
    }
    const auto named = run(cluster.write_config(other), {"list", "--nats", a().url()});
    EXPECT_EQ(named.status, 0) << named.err;
    cluster.options(other).state_dir.clear();
    EXPECT_TRUE(in(b).surely_empty());
    const auto names =
        adapters::nats::ask(*adapters::nats::connected_client(b.url()), "$JS.API.STREAM.NAMES");
    EXPECT_THAT(names, HasSubstr("\"total\":0"));
    EXPECT_EQ(cluster.wait_serving(), leader) << "nobody was asked to do anything";
}

class TwoServersSlowly : public TwoServers {
protected:
    TwoServersSlowly() : TwoServers{10'000} {}
};

// The other store says nothing about this cluster: the lease goes on while it is valid.
TEST_F(TwoServersSlowly, AreDistinguishedAtEachReconnectOfTheLeader) {
    start_all();
    cluster.wait_serving();
    cluster.wait_replicated();
    const auto before = cluster.poll()->epoch();
    stop_all();
    name({a().url(), b.url()});
    start_all();
    const int leader = cluster.wait_serving(before);
    cluster.wait_replicated();
    const auto epoch = cluster.poll()->epoch();
    const auto backend = cluster.backend_pid(leader);
    a().stop();
    cluster.wait_until("the leader to have met the other server", [&] {
        return cluster.log(leader).find(b.url() + " is another store than this node's") !=
               std::string::npos;
    });
    a().start();
    // Long after the lease of that time would have ended.
    Writer writer{{cluster.backend_port(leader)}};
    const auto until = Clock::now() + 12s;
    cluster.wait_until("the end of twelve seconds", [&] { return Clock::now() >= until; });
    ASSERT_TRUE(writer.wait_more(20));
    writer.stop();
    cluster.wait_replicated();
    EXPECT_EQ(cluster.poll()->epoch(), epoch);
    EXPECT_EQ(cluster.backend_pid(leader), backend);
    EXPECT_TRUE(in(b).surely_empty());
}

// Rule S10: the recreated store is the only one. The nodes notice, and keep their data.
TEST(OneServer, ThatLostItsDataIsTakenForTheStoreAgainAndEveryNodeRaisesAnAlarm) {
    Cluster cluster{{.nodes = 2}};
    cluster.wait_serving();
    cluster.wait_replicated();
    cluster.server().stop();
    cluster.server().wipe();
    cluster.server().start();
    cluster.wait_until("the end of every backend",
                       [&] { return !cluster.backend_lives(1) && !cluster.backend_lives(2); });
    // Buckets are created at a daemon's start only; the other node finds them.
    EXPECT_EQ(cluster.stop(1), 0);
    cluster.start(1);
    cluster.wait_until("an alarm on both", [&] {
        return cluster.log(1).find("replica.alarm_raised") != std::string::npos &&
               cluster.log(2).find("replica.alarm_raised") != std::string::npos;
    });
    (void)cluster.wait_for("both to say so", [](const test_support::Snapshot& now) {
        return now.nodes.size() == 2 && !now.nodes.at("n1").alarm.empty() &&
               !now.nodes.at("n2").alarm.empty();
    });
    EXPECT_FALSE(cluster.backend_lives(1));
    EXPECT_FALSE(cluster.backend_lives(2));
}

// Servers of one NATS cluster are one store, whichever of them is reached, and whichever is away
// once the store was identified.
TEST(OneClusterOfServers, IsOneStore) {
    test_support::NatsCluster servers{3};
    Cluster cluster{
        {.nodes = 2, .ttl_ms = 10'000, .server = false, .each = [&](int, auto& options) {
             options.nats_urls = servers.urls();
         }}};
    const auto lines = [&](const std::string& event) {
        int count = 0;
        for (int node = 1; node <= cluster.size(); ++node) {
            const auto log = cluster.log(node);
            for (auto at = log.find(event); at != std::string::npos; at = log.find(event, at + 1))
                ++count;
        }
        return count;
    };
    cluster.wait_until(
        "a node that serves", [&] { return lines("snapshot.published") > 0; }, 90s);
    cluster.wait_until("a copy on the other", [&] { return lines("snapshot.restored") > 0; });
    const auto taken = lines("lease.taken");
    for (int node = 1; node <= cluster.size(); ++node)
        EXPECT_EQ(cluster.stop(node), 0);
    servers.at(2).stop();
    for (int node = 1; node <= cluster.size(); ++node)
        cluster.start(node);
    cluster.wait_until(
        "a node that leads without one server", [&] { return lines("lease.taken") > taken; }, 60s);
    EXPECT_EQ(lines("store.differs"), 0);
}

}  // namespace
