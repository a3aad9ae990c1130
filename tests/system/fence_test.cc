// A leader that is frozen or cut off: its backend is dead before another one starts.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <utility>

#include "adapters/linux/clock.h"
#include "tests/support/cluster.h"
#include "tests/support/database_copy.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"
#include "tests/support/relay.h"
#include "tests/support/writer.h"
#include "warden/cgroup.h"

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test_support::Cluster;
using test_support::LivenessWatch;
using test_support::NodeOptions;
using test_support::Relay;
using test_support::Snapshot;
using test_support::Writer;
using Ids = std::vector<std::int64_t>;

constexpr int ttl_ms = 2'500;  // of a Cluster, if nothing else is said; its margin is 500 ms

// defects.md C02, C03, G02
TEST(Fence, AFrozenNodeProcessIsKilledAndItsBackendBeforeAnotherStarts) {
    Cluster cluster;
    const int frozen = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(100));
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    const auto node = cluster.node_pid(frozen);
    const auto backend = cluster.backend_pid(frozen);
    writer.reset_gap();
    ::kill(node, SIGSTOP);
    const int next = cluster.wait_serving(epoch);
    EXPECT_NE(next, frozen);
    EXPECT_FALSE(test_support::lives(node));
    EXPECT_FALSE(test_support::lives(backend));
    ASSERT_TRUE(writer.wait_more(50));
    const auto gap = writer.gap();
    writer.stop();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";
    EXPECT_GT(watch.polls(), 50);
    std::cout << "gap " << gap.count() << " ms\n";
    // The warden started a new node process, which follows the log.
    cluster.wait_replicated();
    EXPECT_EQ(test_support::pages_of(cluster.replica(frozen)),
              test_support::pages_of(cluster.data(next)));
}

// defects.md C02, C03
TEST(Fence, AStartThatIsUnderWayEndsWithTheLeaseToo) {
    Cluster cluster{{.start = false}};
    for (int node = 1; node <= cluster.size(); ++node) {
        // A service that takes long before it listens.
        cluster.options(node).start_timeout_ms = 20'000;
        cluster.options(node).command = {
            "/bin/sh",
            "-c",
            "sleep 1.5; exec " + Cluster::notes_program() + " --database " + cluster.data(node) +
                " --listen 127.0.0.1:" + std::to_string(cluster.backend_port(node))};
        cluster.start(node);
    }
    const int first = cluster.wait_serving();
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    cluster.kill_all(first);
    int second = 0;
    cluster.wait_until("a start on another node", [&] {
        for (int node = 1; node <= cluster.size(); ++node)
            if (cluster.backend_lives(node)) second = node;
        return second != 0;
    });
    const auto node = cluster.node_pid(second);
    ASSERT_NE(node, 0);
    ::kill(node, SIGSTOP);
    const int third = cluster.wait_serving(epoch + 1);
    EXPECT_NE(third, second);
    EXPECT_FALSE(test_support::lives(node));
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";
}

/// The warden alone does not run, as under a debugger or by the freezer of a cgroup: of the two
/// processes that can kill the backend in time the node process is left.
class FrozenWarden {
public:
    enum class By { signal, freezer };
    FrozenWarden(pid_t warden, By by) : pid_{warden} {
        if (by == By::signal) {
            ::kill(pid_, SIGSTOP);
            return;
        }
        const auto made = warden::create_cgroup("frozen-" + std::to_string(pid_));
        if (!made) throw std::runtime_error{made.error().message};
        cgroup_ = *made;
        std::ofstream{cgroup_ + "/cgroup.procs"} << pid_;
        std::ofstream{cgroup_ + "/cgroup.freeze"} << "1";
    }
    ~FrozenWarden() { thaw(); }
    FrozenWarden(const FrozenWarden&) = delete;
    FrozenWarden& operator=(const FrozenWarden&) = delete;

    void thaw() {
        ::kill(pid_, SIGCONT);
        if (cgroup_.empty()) return;
        std::ofstream{cgroup_ + "/cgroup.freeze"} << "0";
        const std::filesystem::path path{std::exchange(cgroup_, {})};
        std::ofstream{path.parent_path() / "cgroup.procs"} << pid_;
        EXPECT_TRUE(test_support::eventually([&] { return ::rmdir(path.c_str()) == 0; })) << path;
    }

private:
    pid_t pid_;
    std::string cgroup_;
};

/// Starts each node behind a relay of its own to the store.
std::vector<std::unique_ptr<Relay>> start_behind_relays(Cluster& cluster) {
    std::vector<std::unique_ptr<Relay>> relays;
    for (int node = 1; node <= cluster.size(); ++node) {
        relays.push_back(std::make_unique<Relay>(cluster.server().port()));
        cluster.options(node).nats_urls = {relays.back()->url()};
        cluster.start(node);
    }
    return relays;
}

/// When `holds` was first seen to hold, on this machine's CLOCK_BOOTTIME.
model::Instant when(Cluster& cluster, const std::string& what, const std::function<bool()>& holds) {
    cluster.wait_until(what, holds);
    return adapters::linux_host::Clock{}.now();
}

/// The value of a field in the last line of an event.
std::string field_of(const std::string& log, const std::string& event, const std::string& field) {
    const auto line = log.rfind(event);
    if (line == std::string::npos) return {};
    const auto at = log.find(" " + field + "=", line);
    if (at == std::string::npos || at > log.find('\n', line)) return {};
    const auto from = at + field.size() + 2;
    return log.substr(from, log.find_first_of(" \n", from) - from);
}

// W7. Cut off from the store, so that the strike time comes.
TEST(SecondBelt, KillsTheBackendThatAFrozenWardenLeavesAliveAtTheStrikeTime) {
    Cluster cluster{{.start = false}};
    const auto relays = start_behind_relays(cluster);
    const int old = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(50));
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    const auto backend = cluster.backend_pid(old);
    ASSERT_NE(backend, 0);
    const auto node = cluster.node_pid(old);
    const auto begun = adapters::linux_host::Clock{}.now();
    {
        const FrozenWarden frozen{cluster.warden_pid(old), FrozenWarden::By::signal};
        relays[static_cast<std::size_t>(old - 1)]->cut();
        // No lease is longer than the one that was renewed just now.
        const auto latest = begun + milliseconds{ttl_ms};
        // Its cgroup becomes empty some moments after its first process ended.
        const auto died = when(cluster, "the backend's death", [&] {
            return !test_support::lives(backend) && !cluster.backend_lives(old);
        });
        EXPECT_LT(died, latest) << model::to_ms(died - latest) << " ms after the lease's end";
        EXPECT_TRUE(test_support::lives(node)) << "it is the one that struck";
        cluster.wait_until(
            "the event", [&] { return cluster.log(old).find("belt.struck") != std::string::npos; });
        const auto late = std::stoll(field_of(cluster.log(old), "belt.struck", "late_ms"));
        // An eighth of the margin of 500 ms is the warden's grace.
        EXPECT_GE(late, 62);
        EXPECT_LT(late, 250) << "after the lease's end";
        std::cout << "struck " << late << " ms after the strike time, dead "
                  << model::to_ms(latest - died) << " ms before the last end of the lease\n";

        const int next = cluster.wait_serving(epoch);
        EXPECT_NE(next, old);
        EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";
    }
    relays[static_cast<std::size_t>(old - 1)]->heal();
    // The warden goes on: it strikes too, and the node follows.
    cluster.wait_replicated();
    writer.stop();
}

// W7. The store answers all the time: no renewal may stretch a lease that nobody guards.
TEST(SecondBelt, AFrozenWardensNodeLosesTheLeaseToAnother) {
    Cluster cluster;
    const int old = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(50));
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    const auto backend = cluster.backend_pid(old);
    ASSERT_NE(backend, 0);
    writer.reset_gap();
    FrozenWarden frozen{cluster.warden_pid(old), FrozenWarden::By::freezer};
    const int next = cluster.wait_serving(epoch);
    EXPECT_NE(next, old);
    EXPECT_FALSE(test_support::lives(backend));
    ASSERT_TRUE(writer.wait_more(50));
    std::cout << "gap " << writer.gap().count() << " ms\n";
    const auto seen =
        cluster.wait_for("the node says that its warden does not answer", [&](const Snapshot& now) {
            const auto& status = now.nodes.at(cluster.name(old));
            return !status.alarm.empty() && !status.fit;
        });
    EXPECT_FALSE(seen.condition(cluster.name(old), model::ConditionType::warden_answers));
    std::cout << seen.nodes.at(cluster.name(old)).alarm << '\n';
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";
    frozen.thaw();
    cluster.wait_for("the node follows again", [&](const Snapshot& now) {
        const auto& status = now.nodes.at(cluster.name(old));
        return status.alarm.empty() && status.fit &&
               now.condition(cluster.name(old), model::ConditionType::warden_answers);
    });
    writer.stop();
    cluster.wait_replicated();
}

// W7. A passive node whose warden is frozen would take a lease that it cannot use, again and again.
TEST(SecondBelt, APassiveNodeWithAFrozenWardenTakesNoLease) {
    Cluster cluster{{.nodes = 2}};
    const int first = cluster.wait_serving();
    const int passive = 3 - first;
    cluster.wait_replicated();
    const auto epoch = cluster.poll()->epoch();
    {
        const FrozenWarden frozen{cluster.warden_pid(passive), FrozenWarden::By::signal};
        cluster.kill_all(first);
        cluster.wait_until("the passive node asks its warden", [&] {
            return cluster.log(passive).find("warden.silent") != std::string::npos;
        });
        EXPECT_EQ(cluster.poll()->epoch(), epoch) << "it wrote the record";
        cluster.start(first);
        EXPECT_EQ(cluster.wait_serving(epoch), first);
    }
    cluster.wait_replicated();
}

class CutOff : public testing::TestWithParam<bool> {};

// defects.md C02, C03, C05, G01, G02
TEST_P(CutOff, LeaderStopsInTimeAndItsUnsharedNotesAreSetAside) {
    Cluster cluster{{.start = false}};
    const auto relays = start_behind_relays(cluster);
    const int old = cluster.wait_serving();
    Writer writer{cluster.backend_ports()};
    ASSERT_TRUE(writer.wait_more(100));
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    auto& relay = *relays[static_cast<std::size_t>(old - 1)];
    writer.reset_gap();
    if (GetParam()) {
        relay.cut();
    } else {
        relay.refuse();
    }
    const int next = cluster.wait_serving(epoch);
    EXPECT_NE(next, old);
    EXPECT_FALSE(cluster.backend_lives(old));
    ASSERT_TRUE(writer.wait_more(50));
    const auto gap = writer.gap();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";
    EXPECT_EQ(cluster.poll()->serving(), cluster.name(next));

    relay.heal();
    const auto seen = cluster.wait_for("the cut-off node follows and names what it set aside",
                                       [&](const Snapshot& now) {
                                           const auto& status = now.nodes.at(cluster.name(old));
                                           return status.copy_complete && !status.set_aside.empty();
                                       });
    writer.stop();
    cluster.wait_replicated();
    EXPECT_EQ(test_support::pages_of(cluster.replica(old)),
              test_support::pages_of(cluster.data(next)));

    // Each acknowledged note is with the new primary or in the data that was set aside.
    const auto lost = test_support::missing(writer.acknowledged(),
                                            test_support::notes_of(cluster.backend_port(next)));
    const auto& aside = seen.nodes.at(cluster.name(old)).set_aside;
    ASSERT_EQ(aside.size(), 1U);
    EXPECT_FALSE(lost.empty()) << "the writer wrote nothing while the leader was cut off";
    EXPECT_EQ(test_support::missing(lost, test_support::notes_in(aside.front())), Ids{});
    EXPECT_EQ(test_support::integrity_of(aside.front()), "ok");
    std::cout << "gap " << gap.count() << " ms; set aside " << lost.size() << " notes\n";
}

INSTANTIATE_TEST_SUITE_P(Fence, CutOff, testing::Bool(), [](const auto& parameter) {
    return parameter.param ? "Silently" : "WithClosedConnections";
});

// defects.md C02, G01. A silent partition between hosts: no packet arrives, and no error is seen.
TEST(Fence, ALeaderWhoseNetworkFallsSilentStopsBeforeAnotherServes) {
    const test_support::Net net{3};
    Cluster cluster{{.net = &net}};
    const int first = cluster.wait_serving();
    Ids promised;
    {
        Writer writer{cluster.backend_ports()};
        ASSERT_TRUE(writer.wait_more(50));
        writer.stop();
        promised = writer.acknowledged();
    }
    cluster.wait_replicated();
    LivenessWatch watch{cluster};
    const auto epoch = cluster.poll()->epoch();
    net.cut(first);
    const int second = cluster.wait_serving(epoch);
    EXPECT_NE(second, first);
    EXPECT_FALSE(cluster.backend_lives(first));
    EXPECT_GT(cluster.node_pid(first), 0) << "only its network is gone";
    Writer writer{{cluster.backend(second)}, {.first = promised.back() + 1}};
    ASSERT_TRUE(writer.wait_more(50));
    net.heal(first);
    cluster.wait_replicated();
    ASSERT_TRUE(writer.wait_more(50));
    writer.stop();
    EXPECT_EQ(watch.stop(), 0) << "two backends at once, of " << watch.polls() << " polls";
    const auto more = writer.acknowledged();
    promised.insert(promised.end(), more.begin(), more.end());
    EXPECT_EQ(test_support::missing(promised, test_support::notes_of(cluster.backend(second))),
              Ids{});
    EXPECT_TRUE(cluster.poll()->nodes.at(cluster.name(first)).set_aside.empty());
}

}  // namespace
