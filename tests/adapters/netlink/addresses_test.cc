// The kernel's own addresses and neighbours, in network namespaces.
#include "adapters/netlink/addresses.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "adapters/linux/clock.h"
#include "adapters/netlink/frame_sockets.h"
#include "reconcilers/vip/plan.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"
#include "tests/support/result.h"

namespace adapters::netlink {
namespace {

using namespace std::chrono_literals;
using model::VirtualAddress;
using reconcilers::ports::AddressObserved;
using test_support::eventually;
using test_support::Net;
using ::testing::HasSubstr;
using ::testing::Not;

VirtualAddress on_eth0(std::string_view text) {
    return {.at = *model::parse_ip_prefix(text), .interface = "eth0"};
}

const VirtualAddress v4 = on_eth0("10.77.0.100/32");
const VirtualAddress v6 = on_eth0("fd77::100/128");

/// Addresses of one host; each call is made inside its network namespace.
class Host {
public:
    Host(const Net& net, int host, std::vector<VirtualAddress> addresses) : net_{net}, host_{host} {
        net_.inside(
            host_, [&] { addresses_ = std::make_unique<Addresses>(std::move(addresses), clock_); });
        addresses_->on_change([this] { ++changes_; });
        (void)observe();
    }
    ~Host() { addresses_->on_change({}); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    AddressObserved observe(std::size_t index = 0) {
        AddressObserved seen;
        net_.inside(host_, [&] {
            const auto observed = addresses_->observe();
            ASSERT_TRUE(observed) << observed.error().message;
            missing_ = observed->missing;
            seen = observed->each.at(index);
        });
        return seen;
    }
    template <typename... Arguments>
    bool does(model::Result<void> (Addresses::*call)(std::size_t, Arguments...),
              std::size_t index,
              Arguments... arguments) {
        model::Result<void> done;
        net_.inside(host_, [&] { done = (addresses_.get()->*call)(index, arguments...); });
        EXPECT_TRUE(done) << done.error().message;
        return done.has_value();
    }
    template <typename... Arguments>
    std::optional<model::Errc> fails(model::Result<void> (Addresses::*call)(std::size_t,
                                                                            Arguments...),
                                     std::size_t index,
                                     Arguments... arguments) {
        model::Result<void> done;
        net_.inside(host_, [&] { done = (addresses_.get()->*call)(index, arguments...); });
        return test_support::code_of(done);
    }
    bool bind(std::chrono::seconds lifetime = 60s, std::size_t index = 0) {
        return does(&Addresses::bind, index, lifetime);
    }
    bool announce(std::size_t index = 0) { return does(&Addresses::announce, index); }
    bool unbind(std::size_t index = 0) { return does(&Addresses::unbind, index); }
    bool probe(std::size_t index = 0) { return does(&Addresses::probe, index); }
    bool reset(std::size_t index = 0) { return does(&Addresses::reset_connections, index); }
    [[nodiscard]] std::string ip(const std::string& arguments) const {
        return net_.shell(host_, "ip " + arguments);
    }
    [[nodiscard]] std::string mac() const {
        const auto text = ip("link show eth0");
        const auto at = text.find("link/ether ");
        return at == std::string::npos ? "" : text.substr(at + 11, 17);
    }
    [[nodiscard]] int changes() const { return changes_; }
    [[nodiscard]] const std::string& missing() const { return missing_; }

private:
    const Net& net_;
    int host_;
    linux_host::Clock clock_;
    std::unique_ptr<Addresses> addresses_;
    std::atomic<int> changes_ = 0;
    std::string missing_;
};

TEST(Addresses, IsBoundUntilItsLifetimeEnds) {
    const Net net{1};
    Host host{net, 1, {v4}};
    EXPECT_EQ(host.missing(), "");
    EXPECT_EQ(host.observe(), (AddressObserved{.interface_exists = true, .carrier = true}));
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(host.bind(1s));
    EXPECT_TRUE(host.observe().bound);
    EXPECT_FALSE(host.observe().unusable);
    EXPECT_TRUE(eventually([&] { return host.changes() > 0; }));
    EXPECT_TRUE(eventually([&] { return !host.observe().bound; }));
    const auto lived = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(lived, 1s) << "the kernel is never early";
    EXPECT_LT(lived, 1600ms) << "nor later than W4 reckons with";
}

// The kernel's passes over its addresses are a second apart: another address that changes right
// before the end of this one makes it late.
TEST(Addresses, AreLateByNoMoreThanW4ReckonsWithWhateverElseChanges) {
    const Net net{1};
    Host host{net, 1, {v4, on_eth0("10.77.0.101/32")}};
    constexpr auto lifetime = 2s;
    const auto begun = std::chrono::steady_clock::now();
    ASSERT_TRUE(host.bind(lifetime));
    std::this_thread::sleep_until(begun + lifetime - 100ms);
    ASSERT_TRUE(host.bind(60s, 1));
    EXPECT_TRUE(eventually([&] { return !host.observe().bound; }));
    const auto lived = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(lived, lifetime + 500ms) << "or this shows nothing";
    EXPECT_LT(lived,
              lifetime + reconcilers::vip::lateness(lifetime, linux_host::kernel_tick()) + 50ms);
}

TEST(Addresses, AreExtendedAndRemoved) {
    const Net net{1};
    Host host{net, 1, {v4, v6}};
    for (const std::size_t index : {0U, 1U}) {
        ASSERT_TRUE(host.bind(1s, index));
        ASSERT_TRUE(host.bind(60s, index));
        EXPECT_TRUE(host.observe(index).bound);
        EXPECT_FALSE(host.observe(index).unusable);
    }
    std::this_thread::sleep_for(1700ms);  // what the first lifetime would have been
    for (const std::size_t index : {0U, 1U}) {
        EXPECT_TRUE(host.observe(index).bound);
        ASSERT_TRUE(host.unbind(index));
        EXPECT_FALSE(host.observe(index).bound);
        EXPECT_TRUE(host.unbind(index)) << "where it is absent";
    }
}

// defects.md C28, C29: looked for in the output of a command, and as a part of a longer one.
TEST(Addresses, OfTheHostItselfAreForeignAndOthersAreNotMistaken) {
    const Net net{1};
    (void)net.shell(1, "ip addr add 10.77.0.10/32 dev eth0 valid_lft 60 preferred_lft 60");
    Host host{net, 1, {on_eth0("10.77.0.1/32"), on_eth0("10.77.0.1/24"), v4}};
    // With another prefix, and without an end.
    EXPECT_EQ(host.observe(0).foreign, "10.77.0.1/24 dev eth0");
    EXPECT_EQ(host.observe(1).foreign, "10.77.0.1/24 dev eth0");
    EXPECT_FALSE(host.observe(1).bound);
    EXPECT_FALSE(host.observe(2).bound) << "10.77.0.10 is not 10.77.0.100";
    EXPECT_EQ(host.observe(2).foreign, "");
    (void)net.shell(1, "ip addr add 10.77.0.100/32 dev lo");
    EXPECT_EQ(host.observe(2).foreign, "10.77.0.100/32 dev lo");
}

// Between the look and the call, somebody gives the host the address for good.
TEST(Addresses, ThatAppearedSinceTheLastLookAreNotChanged) {
    const Net net{1};
    Host host{net, 1, {v4, v6}};
    for (const std::size_t index : {0U, 1U}) {
        const auto text = to_text(index == 0 ? v4 : v6);
        (void)host.ip("addr add " + text);
        EXPECT_EQ(host.fails(&Addresses::bind, index, 60s), model::Errc::conflict);
        EXPECT_THAT(host.ip("-o addr show dev eth0"), HasSubstr("valid_lft forever"));
        EXPECT_EQ(host.observe(index).foreign, text);
        (void)host.ip("addr del " + text);
        (void)host.observe();
        EXPECT_TRUE(host.bind(60s, index));
        EXPECT_TRUE(host.bind(30s, index)) << "which needs no look in between";
        (void)host.unbind(index);
    }
}

TEST(Addresses, FollowTheInterface) {
    const Net net{1};
    Host host{net, 1, {v4, v6, {.at = v4.at, .interface = "none"}}};
    EXPECT_FALSE(host.observe(2).interface_exists);
    ASSERT_TRUE(host.bind(60s, 1));
    net.unplug(1);
    EXPECT_TRUE(eventually([&] { return !host.observe().carrier; }));
    EXPECT_TRUE(host.observe().interface_exists);
    net.plug_in(1);
    EXPECT_TRUE(eventually([&] { return host.observe().carrier; }));
    EXPECT_TRUE(host.observe(1).bound);
    // An interface that is down has none of its IPv6 addresses.
    (void)host.ip("link set eth0 down");
    EXPECT_TRUE(eventually([&] { return !host.observe().carrier; }));
    EXPECT_FALSE(host.observe(1).bound);
    (void)host.ip("link set eth0 up");
    EXPECT_TRUE(eventually([&] { return host.observe().carrier; }));
    ASSERT_TRUE(host.bind(60s, 1));
    EXPECT_TRUE(host.observe(1).bound);
}

/// The client sends a packet, so that it asks who has the address.
void send_to(const char* address) {
    const bool is_v6 = std::string_view{address}.find(':') != std::string_view::npos;
    const int fd = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    sockaddr_in6 to6{};
    to6.sin6_family = AF_INET6;
    to6.sin6_port = htons(9);
    sockaddr_in to4{};
    to4.sin_family = AF_INET;
    to4.sin_port = htons(9);
    ::inet_pton(is_v6 ? AF_INET6 : AF_INET,
                address,
                is_v6 ? static_cast<void*>(&to6.sin6_addr) : static_cast<void*>(&to4.sin_addr));
    const auto* const to =
        is_v6 ? reinterpret_cast<const sockaddr*>(&to6) : reinterpret_cast<const sockaddr*>(&to4);
    (void)::sendto(fd, "", 1, 0, to, is_v6 ? sizeof to6 : sizeof to4);
    ::close(fd);
}

TEST(Addresses, AnAnnouncementMovesTheNeighboursEntry) {
    const Net net{2};
    Host one{net, 1, {v4, v6}};
    Host other{net, 2, {v4, v6}};
    ASSERT_NE(one.mac(), other.mac());
    const auto neighbour = [&](const char* address) {
        return net.shell(0, std::string{"ip neigh show "} + address);
    };
    const std::array<const char*, 2> texts{"10.77.0.100", "fd77::100"};
    for (const std::size_t index : {0U, 1U}) {
        const auto* const text = texts.at(index);
        ASSERT_TRUE(one.bind(60s, index));
        EXPECT_TRUE(eventually([&] {
            send_to(text);
            return neighbour(text).find(one.mac()) != std::string::npos;
        })) << neighbour(text);
        ASSERT_TRUE(one.unbind(index));
        ASSERT_TRUE(other.bind(60s, index));
        EXPECT_THAT(neighbour(text), HasSubstr(one.mac())) << "the kernel announces nothing";
        ASSERT_TRUE(other.announce(index));
        EXPECT_TRUE(
            eventually([&] { return neighbour(text).find(other.mac()) != std::string::npos; }, 1s))
            << neighbour(text);
    }
}

TEST(Addresses, AProbeFindsWhoElseHasIt) {
    const Net net{2};
    Host one{net, 1, {v4, v6}};
    Host other{net, 2, {v4, v6}};
    for (const std::size_t index : {0U, 1U}) {
        ASSERT_TRUE(one.probe(index));
        EXPECT_FALSE(eventually([&] { return one.observe(index).other.has_value(); }, 150ms));
        ASSERT_TRUE(other.bind(60s, index));
        ASSERT_TRUE(one.probe(index));
        EXPECT_TRUE(eventually([&] { return one.observe(index).other.has_value(); }, 1s));
        const auto seen = one.observe(index).other;
        ASSERT_TRUE(seen);
        EXPECT_EQ(model::to_text(seen->mac), other.mac());
        EXPECT_FALSE(other.observe(index).other) << "a question is no claim";
        EXPECT_GT(one.changes(), 0);
    }
}

TEST(Addresses, AnotherHostsAnnouncementIsSeenAndOurOwnIsNot) {
    const Net net{2};
    Host one{net, 1, {v4, v6}};
    Host other{net, 2, {v4, v6}};
    for (const std::size_t index : {0U, 1U}) {
        ASSERT_TRUE(one.bind(60s, index));
        ASSERT_TRUE(one.announce(index));
        EXPECT_TRUE(eventually([&] { return other.observe(index).other.has_value(); }, 1s));
        EXPECT_EQ(model::to_text(other.observe(index).other->mac), one.mac());
        EXPECT_FALSE(one.observe(index).other);
    }
}

model::MacAddress mac_of(std::uint8_t last) { return {2, 0, 0, 0, 0, last}; }

/// A stranger, with a MAC address of its own, says over `interface` that it has both addresses.
void claim(const std::string& interface, const model::MacAddress& mac) {
    FrameSockets sockets;
    ASSERT_TRUE(sockets.open(true, false));
    const Link link{.index = ::if_nametoindex(interface.c_str()),
                    .carrier = true,
                    .ethernet = true,
                    .mac = mac};
    ASSERT_TRUE(sockets.announce(link, v4.at.address));
}

/// The same over IPv6, with this hop limit.
void claim6(const std::string& interface, const model::MacAddress& mac, int hops) {
    const int fd = ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops), 0);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_scope_id = ::if_nametoindex(interface.c_str());
    ASSERT_EQ(::inet_pton(AF_INET6, "ff02::1", &to.sin6_addr), 1);
    const auto message = neighbour_advertisement(mac, v6.at.address);
    EXPECT_EQ(::sendto(fd,
                       message.data(),
                       message.size(),
                       0,
                       reinterpret_cast<const sockaddr*>(&to),
                       sizeof to),
              static_cast<ssize_t>(message.size()));
    ::close(fd);
}

// Another network may use the same address: what is claimed there does not concern this one.
TEST(Addresses, AClaimCountsOnTheNetworkOfItsInterfaceAlone) {
    const Net net{1};
    (void)net.shell(1,
                    "ip link add svc0 type veth peer name svc1; ip link set svc1 up; "
                    "ip link set svc0 up");
    Host host{net, 1, {v4, v6}};
    const auto seen = [&](std::size_t index) { return host.observe(index).other; };
    net.inside(1, [] { claim("svc1", mac_of(1)); });
    EXPECT_FALSE(eventually([&] { return seen(0).has_value(); }, 150ms));
    claim("eth0", mac_of(2));
    EXPECT_TRUE(eventually([&] { return seen(0).has_value(); }));
    EXPECT_EQ(seen(0)->mac, mac_of(2));
    // A router could send it from anywhere, but for the hop limit.
    claim6("eth0", mac_of(3), 254);
    EXPECT_FALSE(eventually([&] { return seen(1).has_value(); }, 150ms));
    claim6("eth0", mac_of(4), 255);
    EXPECT_TRUE(eventually([&] { return seen(1).has_value(); }));
    EXPECT_EQ(seen(1)->mac, mac_of(4));
}

/// Of the calling thread alone.
void set_capability(unsigned capability, bool on) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> data{};
    ASSERT_EQ(::syscall(SYS_capget, &header, data.data()), 0);
    auto& effective = data.at(0).effective;
    effective = on ? effective | (1U << capability) : effective & ~(1U << capability);
    ASSERT_EQ(::syscall(SYS_capset, &header, data.data()), 0);
}

// As where there are no descriptors left.
TEST(Addresses, SocketsThatCouldNotBeOpenedAreTriedAgain) {
    const Net net{1};
    linux_host::Clock clock;
    std::unique_ptr<Addresses> addresses;
    const auto other = [&] { return addresses->observe()->each.at(0).other; };
    net.inside(1, [&] {
        set_capability(CAP_NET_RAW, false);
        addresses = std::make_unique<Addresses>(std::vector{v4}, clock);
        EXPECT_FALSE(addresses->announce(0));
        set_capability(CAP_NET_RAW, true);
        ASSERT_TRUE(addresses->observe());
        EXPECT_TRUE(addresses->observe()->missing.empty());
        EXPECT_TRUE(addresses->announce(0));
    });
    claim("eth0", mac_of(2));
    EXPECT_TRUE(eventually([&] { return other().has_value(); })) << "and they are listened to";
}

TEST(Addresses, AResetEndsAClientsConnection) {
    const Net net{1};
    Host host{net, 1, {v4}};
    ASSERT_TRUE(host.bind());
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(4711);
    ::inet_pton(AF_INET, "10.77.0.100", &to.sin_addr);
    int server = -1;
    net.inside(1, [&] {
        server = ::socket(AF_INET, SOCK_STREAM, 0);
        ASSERT_EQ(::bind(server, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
        ASSERT_EQ(::listen(server, 1), 0);
    });
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    (void)net.shell(0, "ip route replace 10.77.0.100/32 dev eth0");
    ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const int accepted = ::accept(server, nullptr, nullptr);
    ASSERT_TRUE(host.reset());
    pollfd input{.fd = client, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&input, 1, 1000), 1);
    char byte = 0;
    EXPECT_EQ(::recv(client, &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, ECONNRESET);
    for (const int fd : {client, accepted, server})
        ::close(fd);
}

TEST(Addresses, ACapabilityThatIsMissingIsNamed) {
    const Net net{1};
    linux_host::Clock clock;
    // The capabilities of a thread are its own.
    const auto without = [&](unsigned capability, auto then) {
        net.inside(1, [&] {
            set_capability(capability, false);
            Addresses addresses{{v4}, clock};
            const auto observed = addresses.observe();
            ASSERT_TRUE(observed);
            then(addresses, observed->missing);
        });
    };
    without(CAP_NET_RAW, [](Addresses& addresses, const std::string& missing) {
        EXPECT_THAT(missing, HasSubstr("CAP_NET_RAW"));
        EXPECT_THAT(missing, Not(HasSubstr("CAP_NET_ADMIN")));
        EXPECT_EQ(test_support::code_of(addresses.announce(0)), model::Errc::invalid);
    });
    without(CAP_NET_ADMIN, [](Addresses& addresses, const std::string& missing) {
        EXPECT_THAT(missing, HasSubstr("CAP_NET_ADMIN"));
        EXPECT_THAT(missing, Not(HasSubstr("CAP_NET_RAW")));
        EXPECT_EQ(test_support::code_of(addresses.bind(0, 60s)), model::Errc::invalid);
    });
}

}  // namespace
}  // namespace adapters::netlink
