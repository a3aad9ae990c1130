// The virtual address of whole clusters, in network namespaces on a bridge: where it is, for how
// long no client is answered over it, and that two hosts never have it.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

#include "adapters/netlink/route_socket.h"
#include "tests/support/cluster.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"
#include "tests/support/processes.h"
#include "tests/support/writer.h"

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;
using test_support::Cluster;
using test_support::eventually;
using test_support::Net;
using test_support::NodeOptions;
using test_support::Snapshot;

constexpr const char* vip = "10.77.0.100";
constexpr const char* vip6 = "fd77::100";
constexpr int port = 8'765;
constexpr int ttl_ms = 2'500;  // of a Cluster, if nothing else is said

milliseconds since(Clock::time_point begun) {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
}

/// Looks every millisecond which hosts have the addresses, in the kernels' own lists.
class AddressWatch {
public:
    AddressWatch(const Net& net, int hosts, const std::vector<std::string>& addresses) {
        for (const auto& text : addresses)
            wanted_.push_back(*model::parse_ip_address(text));
        for (int host = 1; host <= hosts; ++host) {
            sockets_.push_back(std::make_unique<adapters::netlink::RouteSocket>());
            net.inside(host, [&] { (void)sockets_.back()->addresses(); });
        }
        thread_ = std::jthread{[this](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                look();
                std::this_thread::sleep_for(1ms);
            }
        }};
    }
    ~AddressWatch() { stop(); }
    AddressWatch(const AddressWatch&) = delete;
    AddressWatch& operator=(const AddressWatch&) = delete;

    void stop() {
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }
    /// How often two hosts had the same address at one time.
    [[nodiscard]] int doubles() const { return doubles_; }
    [[nodiscard]] int looks() const { return looks_; }
    /// The host with the first of the addresses; 0: none.
    [[nodiscard]] int holder() const { return holder_; }

private:
    bool has(std::size_t host, const model::IpAddress& address) {
        const auto listed = sockets_.at(host)->addresses();
        return listed && std::any_of(listed->begin(), listed->end(), [&](const auto& each) {
                   return each.at.address == address;
               });
    }
    void look() {
        for (const auto& address : wanted_) {
            std::vector<std::size_t> holders;
            for (std::size_t host = 0; host < sockets_.size(); ++host)
                if (has(host, address)) holders.push_back(host);
            // The hosts are looked at one after the other: the first one may have lost it since.
            if (holders.size() > 1 && has(holders.front(), address)) ++doubles_;
            if (address == wanted_.front())
                holder_ = holders.empty() ? 0 : static_cast<int>(holders.back()) + 1;
        }
        ++looks_;
    }

    std::vector<model::IpAddress> wanted_;
    std::vector<std::unique_ptr<adapters::netlink::RouteSocket>> sockets_;
    std::atomic<int> doubles_ = 0;
    std::atomic<int> looks_ = 0;
    std::atomic<int> holder_ = 0;
    std::jthread thread_;
};

/// A client that asks the service over the address, again and again.
class Client {
public:
    explicit Client(const Net& net) {
        thread_ = std::jthread{[this, &net](const std::stop_token& stop) {
            net.inside(0, [&] {
                while (!stop.stop_requested())
                    ask();
            });
        }};
    }
    [[nodiscard]] bool wait_more(int count) const {
        const int until = answers_ + count;
        return eventually([&] { return answers_ >= until; });
    }
    void reset_gap() { gap_ = 0; }
    /// The longest time without an answer since reset_gap().
    [[nodiscard]] milliseconds gap() const { return milliseconds{gap_}; }

private:
    void ask() {
        const auto answer = test_support::http({vip, port}, "GET", "/version", {}, 60ms);
        const auto now = Clock::now();
        if (answer && answer->status == 200) {
            if (answers_ > 0) gap_ = std::max(gap_.load(), (now - last_) / 1ms);
            last_ = now;
            ++answers_;
        } else {
            std::this_thread::sleep_for(1ms);
        }
    }

    std::atomic<int> answers_ = 0;
    std::atomic<std::int64_t> gap_ = 0;
    Clock::time_point last_;
    std::jthread thread_;
};

/// One cluster for all cases: each begins with whoever leads.
class VipCluster : public testing::Test {
protected:
    static constexpr int nodes = 3;
    struct World {
        Net net{nodes + 1};  // the last host is a stranger
        Cluster cluster{{.nodes = nodes,
                         .backend_port = port,
                         .net = &net,
                         .each = [](int, NodeOptions& options) {
                             options.vips = R"([{"address": "10.77.0.100", "interface": "eth0"},
                                 {"address": "fd77::100", "prefix": 64, "interface": "eth0"}])";
                         }}};
    };
    static void SetUpTestSuite() { world_ = std::make_unique<World>(); }
    static void TearDownTestSuite() { world_.reset(); }

    void SetUp() override {
        watch_ =
            std::make_unique<AddressWatch>(net(), nodes + 1, std::vector<std::string>{vip, vip6});
        leader_ = serving_with_address();
        client_ = std::make_unique<Client>(net());
        ASSERT_TRUE(client_->wait_more(5));
        cluster().wait_replicated();
        client_->reset_gap();
    }
    void TearDown() override {
        client_.reset();
        watch_->stop();
        EXPECT_EQ(watch_->doubles(), doubles_allowed_) << "of " << watch_->looks() << " looks";
        EXPECT_GT(watch_->looks(), 100);
        if (HasFailure()) {
            for (int node = 1; node <= nodes; ++node)
                std::cerr << "---- " << cluster().name(node) << "\n" << cluster().log(node);
        }
    }
    static Net& net() { return world_->net; }
    static Cluster& cluster() { return world_->cluster; }

    [[nodiscard]] int serving_with_address(std::uint64_t after = 0) {
        const int serving = cluster().wait_serving(after);
        cluster().wait_until("the address where the service is",
                             [&] { return watch_->holder() == serving; });
        return serving;
    }
    [[nodiscard]] static std::string addresses(int host) {
        return net().shell(host, "ip -o addr show dev eth0");
    }
    [[nodiscard]] static std::string mac(int host) {
        const auto text = net().shell(host, "ip link show eth0");
        return text.substr(text.find("link/ether ") + 11, 17);
    }
    [[nodiscard]] static std::string page(int node, const std::string& path) {
        const auto answer = test_support::http(cluster().api(node), "GET", path);
        return answer ? answer->body : "";
    }
    void expect_moved_from(int old, int next) {
        EXPECT_NE(next, old);
        EXPECT_THAT(addresses(old), Not(HasSubstr("10.77.0.100/")));
        EXPECT_THAT(addresses(old), Not(HasSubstr("fd77::100/")));
        EXPECT_THAT(addresses(next), HasSubstr("10.77.0.100/32"));
        EXPECT_THAT(addresses(next), HasSubstr("fd77::100/64"));
        ASSERT_TRUE(client_->wait_more(5));
        EXPECT_THAT(net().shell(0, std::string{"ip neigh show "} + vip), HasSubstr(mac(next)));
    }
    void report(const char* what) {
        std::cout << what << ": " << client_->gap().count() << " ms without an answer\n";
    }

    static std::unique_ptr<World> world_;
    std::unique_ptr<AddressWatch> watch_;
    std::unique_ptr<Client> client_;
    int leader_ = 0;
    int doubles_allowed_ = 0;
};
std::unique_ptr<VipCluster::World> VipCluster::world_;

// defects.md C01, C33
TEST_F(VipCluster, IsWhereTheServiceIsAndIsSeen) {
    EXPECT_THAT(addresses(leader_), HasSubstr("10.77.0.100/32"));
    EXPECT_THAT(addresses(leader_), HasSubstr("fd77::100/64"));
    EXPECT_THAT(addresses(leader_),
                Not(HasSubstr("10.77.0.100/32 scope global eth0\\       "
                              "valid_lft forever")));
    const auto status = page(leader_, "/status");
    EXPECT_THAT(status, HasSubstr("\"address\": \"10.77.0.100/32\""));
    EXPECT_THAT(status, HasSubstr("\"bound\": true"));
    EXPECT_THAT(status, Not(HasSubstr("\"bound\": false")));
    const auto snapshot = *cluster().poll();
    for (int node = 1; node <= nodes; ++node)
        EXPECT_EQ(snapshot.condition(cluster().name(node), model::ConditionType::vip_bound),
                  node == leader_);
}

// Healed by the kernel's notification: defects.md M12
TEST_F(VipCluster, WhatSomebodyDeletesIsBackWithinMilliseconds) {
    for (const auto* const text : {"10.77.0.100/32", "fd77::100/64"}) {
        const auto host = net().shell(
            leader_, std::string{"ip addr del "} + text + " dev eth0; ip -o addr show dev eth0");
        const auto begun = Clock::now();
        EXPECT_TRUE(eventually([&] { return addresses(leader_).find(text) != std::string::npos; }));
        EXPECT_LT(since(begun), 500ms);
    }
    ASSERT_TRUE(client_->wait_more(5));
    report("deleted");
    EXPECT_LT(client_->gap(), 500ms);
    EXPECT_EQ(cluster().poll()->serving(), cluster().name(leader_));
}

// defects.md G07: the address bounced.
TEST_F(VipCluster, AFlappingLinkIsFollowedAndNothingMoves) {
    const auto epoch = cluster().poll()->epoch();
    for (int i = 0; i < 3; ++i) {
        net().unplug(leader_);
        net().plug_in(leader_);
    }
    (void)net().shell(leader_, "ip link set eth0 down; ip link set eth0 up");
    EXPECT_TRUE(eventually(
        [&] { return addresses(leader_).find("fd77::100/64") != std::string::npos; }, 3s));
    ASSERT_TRUE(client_->wait_more(20));
    EXPECT_EQ(cluster().poll()->epoch(), epoch);
    report("flapping link");
}

TEST_F(VipCluster, APlannedSwitchoverTakesItAlong) {
    const auto epoch = cluster().poll()->epoch();
    const int to = leader_ % nodes + 1;
    (void)cluster().request_switchover(to);
    const int next = serving_with_address(epoch);
    EXPECT_EQ(next, to);
    expect_moved_from(leader_, next);
    report("switchover");
    EXPECT_LT(client_->gap(), 1s);
}

TEST_F(VipCluster, ANodeProcessThatDiesKeepsIt) {
    ::kill(cluster().node_pid(leader_), SIGKILL);
    const auto epoch = cluster().poll()->epoch();
    EXPECT_EQ(serving_with_address(epoch), leader_) << "the lease is adopted";
    ASSERT_TRUE(client_->wait_more(5));
    report("node process killed");
}

TEST_F(VipCluster, APowerCutMovesIt) {
    const auto epoch = cluster().poll()->epoch();
    cluster().kill_all(leader_);  // the address stays until the kernel ends it
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    report("all processes killed");
    cluster().start(leader_);
}

TEST_F(VipCluster, AWardenThatIsKilledTakesItAlong) {
    const auto epoch = cluster().poll()->epoch();
    cluster().kill_warden(leader_);
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    report("warden killed");
    cluster().start(leader_);
}

TEST_F(VipCluster, AFrozenNodeProcessLosesItByTheWarden) {
    const auto epoch = cluster().poll()->epoch();
    ::kill(cluster().node_pid(leader_), SIGSTOP);
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    report("node process stopped");
}

// Nobody there is left to act: the kernel alone.
TEST_F(VipCluster, AFrozenHostLosesItAndDoesNotBringItBack) {
    const auto epoch = cluster().poll()->epoch();
    const std::vector<pid_t> all{
        cluster().warden_pid(leader_), cluster().node_pid(leader_), cluster().backend_pid(leader_)};
    for (const auto pid : all)
        ::kill(pid, SIGSTOP);
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    report("host frozen");
    for (const auto pid : all)
        ::kill(pid, SIGCONT);
    cluster().wait_until("a new node process", [&] {
        return cluster().node_pid(leader_) != 0 && cluster().node_pid(leader_) != all[1];
    });
    EXPECT_THAT(addresses(leader_), Not(HasSubstr("10.77.0.100/")));
    cluster().wait_replicated();
}

TEST_F(VipCluster, ASilentCutMovesItAndItsOldHolderHasItNoMoreWhenItIsHealed) {
    const auto epoch = cluster().poll()->epoch();
    net().cut(leader_);
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    report("cut off");
    net().heal(leader_);
    ASSERT_TRUE(client_->wait_more(20));
    cluster().wait_replicated();
}

// What the leader sends is lost, what is sent to it arrives: it cannot know that it is cut off.
TEST_F(VipCluster, AOneWayCutMovesIt) {
    const auto epoch = cluster().poll()->epoch();
    net().drop({"iifname p" + std::to_string(leader_) + " ether type { ip, ip6 }"});
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    report("cut off one way");
    net().drop({});
    cluster().wait_replicated();
}

// The first two announcements are lost, with whatever the old host still answers.
TEST_F(VipCluster, ALostAnnouncementDelaysTheClientsByLessThanASecond) {
    const auto epoch = cluster().poll()->epoch();
    constexpr const char* first_frames = "arp saddr ip 10.77.0.100 quota until 120 bytes";
    cluster().kill_all(leader_);
    net().drop({first_frames});
    int next = 0;
    cluster().wait_until("the address on another host", [&] {
        next = watch_->holder();
        return next != 0 && next != leader_;
    });
    const auto bound = Clock::now();
    EXPECT_TRUE(eventually([&] {
        return net().shell(0, std::string{"ip neigh show "} + vip).find(mac(next)) !=
               std::string::npos;
    }));
    EXPECT_LT(since(bound), 1s);
    EXPECT_EQ(serving_with_address(epoch), next);
    net().drop({});
    expect_moved_from(leader_, next);
    cluster().start(leader_);
}

TEST_F(VipCluster, APulledCableMovesIt) {
    const auto epoch = cluster().poll()->epoch();
    net().unplug(leader_);
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    report("cable pulled");
    net().plug_in(leader_);
    cluster().wait_replicated();
}

// Another host took the address meanwhile: nobody binds it before that one has given it back.
TEST_F(VipCluster, AnotherHostWithTheAddressIsReportedAndWaitedFor) {
    const auto epoch = cluster().poll()->epoch();
    cluster().kill_all(leader_);
    (void)net().shell(nodes + 1, "ip addr add 10.77.0.100/32 dev eth0");
    const auto conflict = [](const Snapshot& now) {
        for (const auto& [id, status] : now.nodes)
            if (now.condition(id, model::ConditionType::vip_conflict)) return true;
        return false;
    };
    const auto seen = cluster().wait_for("the conflict", conflict);
    for (const auto& [id, status] : seen.nodes) {
        const auto* const each = status.condition(model::ConditionType::vip_conflict);
        if (each == nullptr || !each->status) continue;
        EXPECT_THAT(each->message, HasSubstr(mac(nodes + 1)));
    }
    EXPECT_EQ(seen.serving(), "");
    (void)net().shell(nodes + 1, "ip addr del 10.77.0.100/32 dev eth0");
    const int next = serving_with_address(epoch);
    expect_moved_from(leader_, next);
    // The time between the kernel's end on the old host and the deletion on the stranger.
    watch_->stop();
    doubles_allowed_ = watch_->doubles();
    EXPECT_GT(doubles_allowed_, 0) << "it shows that the watch sees two";
    cluster().start(leader_);
}

// It announces nothing, and answers clients alone: it is asked.
TEST_F(VipCluster, AnotherHostThatGetsTheAddressWhileItIsServedIsReported) {
    const auto epoch = cluster().poll()->epoch();
    watch_->stop();
    doubles_allowed_ = watch_->doubles();
    (void)net().shell(nodes + 1, "ip addr add 10.77.0.100/32 dev eth0");
    const auto seen = cluster().wait_for("the conflict", [&](const Snapshot& now) {
        return now.condition(cluster().name(leader_), model::ConditionType::vip_conflict);
    });
    EXPECT_THAT(seen.nodes.at(cluster().name(leader_))
                    .condition(model::ConditionType::vip_conflict)
                    ->message,
                HasSubstr(mac(nodes + 1)));
    EXPECT_EQ(seen.epoch(), epoch) << "who has it keeps it";
    // The announcements against it go on for as long as it answers.
    EXPECT_TRUE(eventually([&] {
        return net().shell(0, std::string{"ip neigh show "} + vip).find(mac(leader_)) !=
               std::string::npos;
    }));
    (void)net().shell(nodes + 1, "ip addr del 10.77.0.100/32 dev eth0");
    ASSERT_TRUE(client_->wait_more(5));
}

// defects.md G10, C12
TEST_F(VipCluster, AnAddressOfTheHostItselfIsNotTouchedAndTheNodeIsUnfit) {
    const int passive = leader_ % nodes + 1;
    watch_->stop();  // two have it
    doubles_allowed_ = watch_->doubles();
    (void)net().shell(passive, "ip addr add 10.77.0.100/32 dev eth0");
    const auto seen = cluster().wait_for("the conflict", [&](const Snapshot& now) {
        return now.condition(cluster().name(passive), model::ConditionType::vip_conflict);
    });
    const auto& status = seen.nodes.at(cluster().name(passive));
    EXPECT_FALSE(status.fit);
    EXPECT_THAT(status.unfit_because, HasSubstr("ip addr del 10.77.0.100/32 dev eth0"));
    EXPECT_THAT(addresses(passive), HasSubstr("10.77.0.100/32"));
    (void)net().shell(passive, "ip addr del 10.77.0.100/32 dev eth0");
    (void)cluster().wait_for("the node to be fit", [&](const Snapshot& now) {
        const auto found = now.nodes.find(cluster().name(passive));
        return found != now.nodes.end() && found->second.fit;
    });
}

// The host got the same address with another prefix, beside ours: only ours is taken off.
TEST_F(VipCluster, ALeaderThatGetsTheAddressAsItsOwnHandsOver) {
    const auto epoch = cluster().poll()->epoch();
    watch_->stop();  // two have it
    doubles_allowed_ = watch_->doubles();
    (void)net().shell(leader_, "ip addr add 10.77.0.100/24 dev eth0");
    const auto seen = cluster().wait_for("another leader", [&](const Snapshot& now) {
        return now.epoch() > epoch && !now.serving().empty() &&
               now.serving() != cluster().name(leader_);
    });
    EXPECT_THAT(seen.nodes.at(cluster().name(leader_)).unfit_because,
                HasSubstr("ip addr del 10.77.0.100/24 dev eth0"));
    EXPECT_THAT(addresses(leader_), HasSubstr("10.77.0.100/24"));
    EXPECT_THAT(addresses(leader_), Not(HasSubstr("10.77.0.100/32")));
    EXPECT_THAT(addresses(leader_), Not(HasSubstr("fd77::100/")));
    (void)net().shell(leader_, "ip addr del 10.77.0.100/24 dev eth0");
    cluster().wait_replicated();
}

// The lease cannot be renewed: the address goes at the fence time, and nobody waits for an answer.
TEST_F(VipCluster, ALostLeaseResetsTheConnectionsOfClients) {
    const int idle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ASSERT_EQ(::inet_pton(AF_INET, vip, &to.sin_addr), 1);
    ASSERT_EQ(::connect(idle, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    cluster().server().freeze();
    pollfd input{.fd = idle, .events = POLLIN, .revents = 0};
    const auto begun = Clock::now();
    EXPECT_EQ(::poll(&input, 1, 2 * ttl_ms), 1);
    EXPECT_LT(since(begun), milliseconds{ttl_ms}) << "before the lease ends";
    ::close(idle);
    cluster().wait_until("the address to go", [&] { return watch_->holder() == 0; });
    cluster().server().thaw();
    (void)serving_with_address();
    cluster().wait_replicated();
}

// A link that serves the clients alone: the lease goes on.
TEST_F(VipCluster, ALeaderWithoutACarrierHandsOver) {
    constexpr const char* make_link =
        "ip link add svc0 type veth peer name svc1; ip link set svc1 up; ip link set svc0 up";
    for (int node = 1; node <= nodes; ++node) {
        (void)net().shell(node, make_link);
        cluster().stop(node);
        cluster().options(node).vips = R"([{"address": "10.77.0.100", "interface": "eth0"},
            {"address": "fd77::100", "prefix": 64, "interface": "eth0"},
            {"address": "10.78.0.100", "interface": "svc0"}])";
        cluster().options(node).vip = R"({"linkDownMs": 500})";
    }
    for (int node = 1; node <= nodes; ++node)
        cluster().start(node);
    leader_ = serving_with_address(cluster().poll()->epoch());
    cluster().wait_replicated();
    const auto epoch = cluster().poll()->epoch();
    (void)net().shell(leader_, "ip link set svc1 down");
    const int next = serving_with_address(epoch);
    EXPECT_NE(next, leader_);
    const auto seen = cluster().wait_for("the reason", [&](const Snapshot& now) {
        return !now.nodes.at(cluster().name(leader_)).fit;
    });
    EXPECT_THAT(seen.nodes.at(cluster().name(leader_)).unfit_because,
                HasSubstr("svc0, for the virtual address 10.78.0.100, has no carrier"));
    (void)net().shell(leader_, "ip link set svc1 up");
    // An interface that is made again has another index.
    (void)net().shell(next, std::string{"ip link del svc0; "} + make_link);
    EXPECT_TRUE(eventually([&] {
        return net().shell(next, "ip -o addr show dev svc0").find("10.78.0.100/32") !=
               std::string::npos;
    }));
}

TEST_F(VipCluster, WhereItIsToBeTakenTheLeaderServesInSpiteOfAnotherClaim) {
    for (int node = 1; node <= nodes; ++node) {
        cluster().stop(node);
        cluster().options(node).vip = R"({"onConflict": "take"})";
    }
    for (int node = 1; node <= nodes; ++node)
        cluster().start(node);
    leader_ = serving_with_address(cluster().poll()->epoch());
    cluster().wait_replicated();
    const auto epoch = cluster().poll()->epoch();
    watch_->stop();
    doubles_allowed_ = watch_->doubles();
    cluster().kill_all(leader_);
    (void)net().shell(nodes + 1, "ip addr add 10.77.0.100/32 dev eth0");
    const auto next = cluster().wait_serving(epoch);
    EXPECT_NE(next, leader_);
    EXPECT_THAT(addresses(next), HasSubstr("10.77.0.100/32"));
    const auto seen = cluster().wait_for("the conflict", [&](const Snapshot& now) {
        return now.condition(cluster().name(next), model::ConditionType::vip_conflict);
    });
    EXPECT_THAT(
        seen.nodes.at(cluster().name(next)).condition(model::ConditionType::vip_conflict)->message,
        HasSubstr(mac(nodes + 1)));
    (void)net().shell(nodes + 1, "ip addr del 10.77.0.100/32 dev eth0");
    ASSERT_TRUE(client_->wait_more(5));
    EXPECT_THAT(net().shell(0, std::string{"ip neigh show "} + vip), HasSubstr(mac(next)));
    cluster().start(leader_);
    cluster().wait_replicated();
}

// defects.md G10, C12: a leader without its address serves nobody.
TEST_F(VipCluster, ANodeWithoutACapabilityIsUnfitAndSaysWhich) {
    const int passive = leader_ % nodes + 1;
    for (const std::string name : {"net_raw", "net_admin"}) {
        cluster().stop(passive);
        cluster().options(passive).under = {
            "/usr/bin/setpriv", "--bounding-set", "-" + name, "--inh-caps", "-" + name};
        cluster().start(passive);
        const auto capability = name == "net_raw" ? "CAP_NET_RAW" : "CAP_NET_ADMIN";
        (void)cluster().wait_for("the reason", [&](const Snapshot& now) {
            const auto found = now.nodes.find(cluster().name(passive));
            return found != now.nodes.end() && !found->second.fit &&
                   found->second.unfit_because.find(capability) != std::string::npos;
        });
    }
    cluster().stop(passive);
    cluster().options(passive).under.clear();
    cluster().start(passive);
    cluster().wait_replicated();
}

}  // namespace
