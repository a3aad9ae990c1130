// The registry of a large cluster: 100 nodes with 10 services each, real reconcilers over the
// simulated server. What has to hold is that everybody comes to see the same, and that NATS carries
// what changes, not what there is.
#include "reconcilers/registry/registry.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "adapters/json/service_store.h"
#include "tests/sim/store/sim_kv_feed.h"
#include "tests/sim/store/sim_kv_store.h"

namespace sim {
namespace {

using namespace std::chrono_literals;
using model::Instant;
using model::Revision;
using model::ServiceHealth;
using reconcilers::registry::RegistryReconciler;
using reconcilers::registry::Service;
namespace ports = reconcilers::ports;

constexpr int nodes = 100;
constexpr int services_each = 10;
constexpr std::size_t all_services = nodes * services_each;
constexpr model::Duration beat = 3s;
constexpr model::Duration tick = 100ms;

class SharedClock final : public ports::Clock {
public:
    Instant now() const override { return at; }
    model::WallTime wall() const override { return {model::to_ms(at.time_since_epoch())}; }
    Instant at = Instant{} + 1h;
};

class Silence final : public ports::Events {
public:
    void emit(ports::Level, std::string_view, const ports::Fields&) override {}
};

/// Every look ends at once, as the test says.
class Checks final : public ports::ServiceChecks {
public:
    void start(const std::string&, const model::ServiceCheck&) override {}
    ports::CheckOutcome poll(const std::string& service) override {
        using State = ports::CheckOutcome::State;
        return {.state = failing.contains(service) ? State::critical : State::passing,
                .reason = failing.contains(service) ? "refused" : ""};
    }
    std::set<std::string> failing;
};

/// Counts what goes to the server and comes back.
class Counting final : public ports::ServiceStore {
public:
    Counting(ports::ServiceStore& inner, std::uint64_t& messages, std::uint64_t& writes)
        : inner_{inner}, messages_{messages}, writes_{writes} {}
    model::Result<ports::ServiceChanges> changes() override { return inner_.changes(); }
    model::Result<Revision> write(const model::ServiceEntry& entry) override {
        count();
        return inner_.write(entry);
    }
    model::Result<void> erase(const std::string& key, Revision expected) override {
        count();
        return inner_.erase(key, expected);
    }
    void on_change(std::function<void()> wake) override { inner_.on_change(std::move(wake)); }

private:
    void count() {
        messages_ += 2;
        ++writes_;
    }
    ports::ServiceStore& inner_;
    std::uint64_t& messages_;
    std::uint64_t& writes_;
};

struct Counters {
    std::uint64_t messages = 0;
    std::uint64_t writes = 0;
};

/// One node's registry; a restart makes another.
struct Process {
    Process(SimServer& server,
            const std::string& id,
            int life,
            Counters& counters,
            SharedClock& clock,
            Silence& events,
            Checks& checks)
        : client{server.client(id + "-" + std::to_string(life))},
          bucket{client, "services"},
          feed{client, "services", model::largest_service_record},
          inner{bucket, feed},
          store{inner, counters.messages, counters.writes},
          registry{{.node_id = id, .heartbeat = beat, .services = services(id)},
                   {.store = store, .checks = checks, .clock = clock, .events = events}} {
        EXPECT_TRUE(bucket.ensure());
        store.on_change([due = due] { *due = Instant{}; });
    }

    static std::vector<Service> services(const std::string& id) {
        std::vector<Service> all;
        for (int i = 0; i < services_each; ++i) {
            all.push_back({.name = i == 0 ? "http" : "s" + std::to_string(i),
                           .address = id + ".example",
                           .port = static_cast<std::uint16_t>(1000 + i),
                           .bound_to_primary = i == 0,
                           .check = i == 1 ? std::optional{model::ServiceCheck{.interval = 10s}}
                                           : std::nullopt});
        }
        return all;
    }

    SimClient& client;
    SimKvStore bucket;
    SimKvFeed feed;
    adapters::json::KvServiceStore inner;
    Counting store;
    RegistryReconciler registry;
    std::shared_ptr<Instant> due = std::make_shared<Instant>();  // outlives a process that died
    reconcilers::RegistryView view;
};

class RegistryOfAHundred : public testing::Test {
protected:
    struct Node {
        std::string id;
        std::unique_ptr<Process> process;
        Checks checks;
        reconcilers::Board board;
        bool cut = false;
        Instant heard{};
        int lives = 0;
    };

    RegistryOfAHundred() {
        std::vector<std::string> members;
        for (int i = 0; i < nodes; ++i)
            members.push_back("n" + std::to_string(100 + i));
        for (const auto& id : members) {
            auto node = std::make_unique<Node>();
            node->id = id;
            auto& membership = node->board.membership;
            membership.claimed = true;
            membership.members = members;
            for (const auto& other : members) {
                if (other != id)
                    membership.peers.push_back({.status = {.node_id = other}, .fresh = true});
            }
            all_.push_back(std::move(node));
        }
        lead(0);
        for (auto& node : all_)
            restart(*node);
    }

    void lead(std::size_t index) {
        for (auto& node : all_)
            node->board.role = {};
        auto& board = all_[index]->board;
        board.role.phase = reconcilers::RoleView::Phase::holder;
        board.role.lease = model::Lease{.epoch = {1}, .valid_until = clock_.at + 24h};
        board.replica.promoted = {1};
        board.backend.ready = true;
    }

    void restart(Node& node) {
        if (node.process) gone_ += node.process->feed.delivered();
        node.process = std::make_unique<Process>(
            server_, node.id, ++node.lives, counters_, clock_, events_, node.checks);
    }

    void cut(Node& node, bool cut) {
        node.cut = cut;
        node.process->client.set_partitioned(cut);
    }

    /// Messages from and to all nodes: requests, answers, deliveries.
    [[nodiscard]] std::uint64_t messages() const {
        auto sum = counters_.messages + gone_;
        for (const auto& node : all_)
            sum += node->process->feed.delivered();
        return sum;
    }

    void run(model::Duration time) {
        for (const auto end = clock_.at + time; clock_.at < end; clock_.at += tick) {
            for (auto& node : all_) {
                if (!node->cut) node->heard = clock_.at;
            }
            for (auto& node : all_)
                step(*node);
        }
    }

    void step(Node& node) {
        if (*node.process->due > clock_.at) return;
        auto& membership = node.board.membership;
        membership.current = !node.cut;
        std::size_t i = 0;
        for (const auto& other : all_) {
            if (other.get() == &node) continue;
            membership.peers[i++].fresh = clock_.at < other->heard + 3 * beat;
        }
        *node.process->due = Instant::max();  // a hint that comes within the pass counts
        auto pass = node.process->registry.step(node.board);
        node.process->view = std::move(pass.view);
        *node.process->due = std::min(*node.process->due, pass.wake_at);
    }

    /// Whether every node that is not cut off sees so many entries, and so many of them passing.
    [[nodiscard]] bool agreed(std::size_t count, std::size_t passing) const {
        for (const auto& node : all_) {
            const auto& view = node->process->view;
            if (node->cut) continue;
            if (!view.read || !view.services || view.services->size() != count) return false;
            std::size_t good = 0;
            for (const auto& entry : *view.services)
                good += entry.health == ServiceHealth::passing ? 1U : 0U;
            if (good != passing) return false;
        }
        return true;
    }

    /// Runs until it is so; the time that it took, or empty after a minute.
    std::optional<model::Duration> until_agreed(std::size_t count, std::size_t passing) {
        const auto begin = clock_.at;
        while (clock_.at < begin + 1min) {
            if (agreed(count, passing)) return clock_.at - begin;
            run(tick);
        }
        return std::nullopt;
    }

    void print(const char* what, std::optional<model::Duration> took, std::uint64_t before) {
        std::printf("%-24s %6lld ms %8llu messages %6llu writes\n",
                    what,
                    took ? static_cast<long long>(model::to_ms(*took)) : -1LL,
                    static_cast<unsigned long long>(messages() - before),
                    static_cast<unsigned long long>(counters_.writes));
        counters_.writes = 0;
    }

    SimServer server_;
    SharedClock clock_;
    Silence events_;
    Counters counters_;
    std::uint64_t gone_ = 0;  // deliveries to processes that are no more
    std::vector<std::unique_ptr<Node>> all_;
};

// One http is passing, the others are on standby.
constexpr std::size_t all_passing = all_services - nodes + 1;

TEST_F(RegistryOfAHundred, ComesToAgreeAndCostsWhatChanges) {
    auto before = messages();
    auto took = until_agreed(all_services, all_passing);
    ASSERT_TRUE(took);
    EXPECT_LT(*took, 2s);
    EXPECT_EQ(counters_.writes, all_services) << "each entry is written once";
    print("registration", took, before);

    run(1s);  // what was on its way
    before = messages();
    run(1min);
    EXPECT_EQ(messages(), before) << "20 beats of 100 nodes, and nothing changed";
    print("a quiet minute", 1min, before);

    // One service of one node: one write, told to each node.
    before = messages();
    all_[7]->checks.failing = {"s1"};
    took = until_agreed(all_services, all_passing - 1);
    ASSERT_TRUE(took);
    EXPECT_LE(*took, 11s) << "within the interval of its check";
    run(1s);
    EXPECT_LE(messages() - before, 2U + nodes);
    EXPECT_EQ(counters_.writes, 1U);
    print("one service fails", took, before);
    all_[7]->checks.failing.clear();
    ASSERT_TRUE(until_agreed(all_services, all_passing));
    counters_.writes = 0;

    // Every node process at once, as after a power cut: all is read, and nothing written.
    before = messages();
    for (auto& node : all_)
        restart(*node);
    took = until_agreed(all_services, all_passing);
    ASSERT_TRUE(took);
    EXPECT_EQ(counters_.writes, 0U);
    EXPECT_LE(messages() - before, std::uint64_t{nodes} * all_services);
    print("mass restart", took, before);
}

// defects.md C26, M14: what dead nodes said is not believed, then removed, and comes back with
// them.
TEST_F(RegistryOfAHundred, APartitionIsSeenAndHeals) {
    constexpr std::size_t lost = 40;
    ASSERT_TRUE(until_agreed(all_services, all_passing));
    run(1s);
    counters_.writes = 0;
    auto before = messages();
    for (std::size_t i = 0; i < lost; ++i)
        cut(*all_[nodes - 1 - i], true);
    const auto begin = clock_.at;
    run(4 * beat - 1s);
    EXPECT_TRUE(agreed(all_services, all_passing)) << "not before four heartbeats";
    const auto left = all_services - lost * services_each;
    ASSERT_TRUE(until_agreed(left, left - (nodes - lost) + 1));
    EXPECT_LE(clock_.at - begin, 4 * beat + 2s);
    EXPECT_EQ(counters_.writes, lost * services_each) << "the leader alone removes each once";
    print("40 nodes are cut off", clock_.at - begin, before);

    before = messages();
    for (auto& node : all_)
        cut(*node, false);
    const auto took = until_agreed(all_services, all_passing);
    ASSERT_TRUE(took);
    EXPECT_LE(*took, 2 * beat);
    EXPECT_EQ(counters_.writes, lost * services_each);
    print("and come back", took, before);
}

TEST_F(RegistryOfAHundred, WithoutALeaderSilentNodesAreShownCriticalAndStay) {
    ASSERT_TRUE(until_agreed(all_services, all_passing));
    for (auto& node : all_)
        node->board.role = {};
    cut(*all_[50], true);
    run(4 * beat + 2s);
    // Those of the silent node but http, and the http of who led, which is on standby now.
    EXPECT_TRUE(agreed(all_services, all_passing - (services_each - 1) - 1));
    lead(1);
    const auto left = all_services - services_each;
    EXPECT_TRUE(until_agreed(left, all_passing - (services_each - 1)));
}

}  // namespace
}  // namespace sim
