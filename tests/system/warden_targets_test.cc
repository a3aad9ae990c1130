// The real warden and its targets: cgroups of others, and addresses.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "tests/system/warden_alone.h"
#include "warden/cgroup.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

// A cgroup of a unit or a container, which others start and stop.
class ForeignCgroup {
public:
    ForeignCgroup() {
        path_ = *warden::create_cgroup("warden-test-" + std::to_string(::getpid()));
        remove();
    }
    ~ForeignCgroup() {
        warden::kill_cgroup(path_);
        EXPECT_TRUE(eventually([&] { return remove(); }));
    }
    ForeignCgroup(const ForeignCgroup&) = delete;
    ForeignCgroup& operator=(const ForeignCgroup&) = delete;
    void make() { EXPECT_EQ(::mkdir(path_.c_str(), 0755), 0); }
    bool remove() { return ::rmdir(path_.c_str()) == 0 || errno == ENOENT; }
    void put(pid_t pid) { std::ofstream{path_ + "/cgroup.procs"} << pid; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

TEST_F(WardenAlone, KillsTheUnitThatItWatchesAndKeepsItSo) {
    ForeignCgroup unit;
    start_warden({.items = {model::WardenTarget{.name = unit.path()}}});
    auto node = next_node();
    const auto held = node->ask("set_deadline 1500");
    ASSERT_EQ(held.substr(0, 2), "ok");
    // Registered before it exists (W0).
    ASSERT_EQ(node->ask("register 2"), "ok");
    unit.make();
    const Bystander first;
    unit.put(first.pid());
    EXPECT_TRUE(eventually([&] { return !lives(first.pid()); }));
    EXPECT_GE(now(), strike_time(held));
    EXPECT_LT(now(), strike_time(held) + 400ms);
    // A start that was already queued in systemd or an engine.
    const Bystander second;
    unit.put(second.pid());
    EXPECT_TRUE(eventually([&] { return !lives(second.pid()); }, 2s));
    // Also in a cgroup that was recreated.
    EXPECT_TRUE(eventually([&] { return unit.remove(); }));
    unit.make();
    const Bystander third;
    unit.put(third.pid());
    EXPECT_TRUE(eventually([&] { return !lives(third.pid()); }, 2s));
    // Under a deadline it may live.
    auto next = next_node();
    ASSERT_EQ(next->ask("set_deadline 3000").substr(0, 2), "ok");
    const Bystander fourth;
    unit.put(fourth.pid());
    EXPECT_FALSE(eventually([&] { return !lives(fourth.pid()); }, 300ms));
}

// Runs `ip` in the network namespace of a process.
std::string ip_in(pid_t pid, const std::string& arguments) {
    const auto command =
        "nsenter --net=/proc/" + std::to_string(pid) + "/ns/net ip " + arguments + " 2>&1";
    FILE* const out = ::popen(command.c_str(), "r");
    std::string text;
    char buffer[512];
    while (std::fgets(buffer, sizeof buffer, out) != nullptr)
        text += buffer;
    ::pclose(out);
    return text;
}

// As the node process binds one.
constexpr const char* finite = " valid_lft 60 preferred_lft 60";

model::WardenTarget address_on_lo(const std::string& name) {
    return {.kind = model::WardenTarget::Kind::address, .name = name, .interface = "lo"};
}

TEST_F(WardenAlone, RemovesTheAddressThatItWatchesAndKeepsItSo) {
    // The third one is on an interface that does not exist, and so does not have the address.
    start_warden({.in_child = [] { (void)::unshare(CLONE_NEWNET); },
                  .items = {address_on_lo("192.0.2.7/32"),
                            address_on_lo("2001:db8::7/128"),
                            model::WardenTarget{.kind = model::WardenTarget::Kind::address,
                                                .name = "192.0.2.9/32",
                                                .interface = "absent0"},
                            address_on_lo("192.0.2.10/32"),
                            address_on_lo("2001:db8::10/128")}});
    auto node = next_node();
    const auto has = [&](const std::string& address) {
        return ip_in(warden_, "-o addr show dev lo").find(" " + address) != std::string::npos;
    };
    const auto held = node->ask("set_deadline 1500");
    ASSERT_EQ(held.substr(0, 2), "ok");
    for (const auto* const entry : {"2", "3", "4", "5", "6"})
        ASSERT_EQ(node->ask(std::string{"register "} + entry), "ok");
    for (const auto* const address : {"192.0.2.7/32", "2001:db8::7/128", "192.0.2.8/32"})
        ASSERT_EQ(ip_in(warden_, std::string{"addr add "} + address + " dev lo" + finite), "");
    // Nobody but this host itself binds one without an end.
    for (const auto* const address : {"192.0.2.10/32", "2001:db8::10/128"})
        ASSERT_EQ(ip_in(warden_, std::string{"addr add "} + address + " dev lo"), "");
    ASSERT_TRUE(has("192.0.2.7/32") && has("2001:db8::7/128"));
    EXPECT_TRUE(eventually([&] { return !has("192.0.2.7/32") && !has("2001:db8::7/128"); }));
    EXPECT_GE(now(), strike_time(held));
    EXPECT_TRUE(has("192.0.2.8/32"));
    EXPECT_TRUE(has("192.0.2.10/32") && has("2001:db8::10/128"));
    // Nor with another prefix, which the kernel compares only where it is asked to.
    ASSERT_EQ(ip_in(warden_, "addr add 192.0.2.7/24 dev lo"), "");
    // A thawed holder adds its address again: test-hosts.md 2.
    ASSERT_EQ(ip_in(warden_, std::string{"addr replace 192.0.2.7/32 dev lo"} + finite), "");
    EXPECT_TRUE(eventually([&] { return !has("192.0.2.7/32"); }, 2s));
    EXPECT_TRUE(has("192.0.2.7/24"));
    EXPECT_EQ(log().find("warden.target_stuck"), std::string::npos) << log();
    auto next = next_node();
    ASSERT_EQ(next->ask("unregister 2"), "ok");
    ASSERT_EQ(ip_in(warden_, std::string{"addr replace 192.0.2.7/32 dev lo"} + finite), "");
    EXPECT_FALSE(eventually([&] { return !has("192.0.2.7/32"); }, 300ms));
}

TEST_F(WardenAlone, StrikeOnlyTakesTheAddressesOffToo) {
    // In the network namespace of the command.
    const int before = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    for (const bool alive : {true, false}) {
        start_warden({.items = {address_on_lo("192.0.2.7/32")}});
        auto node = next_node();
        ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
        ASSERT_EQ(node->ask("register 2"), "ok");
        const auto has = [&] {
            return ip_in(::getpid(), "-o addr show dev lo").find(" 192.0.2.7/32") !=
                   std::string::npos;
        };
        ASSERT_EQ(ip_in(::getpid(), std::string{"addr add 192.0.2.7/32 dev lo"} + finite), "");
        ASSERT_TRUE(has());
        if (!alive) {
            ::kill(warden_, SIGKILL);
            ASSERT_TRUE(wait_warden());
        }
        auto arguments = files();
        arguments.emplace_back("--strike-only");
        EXPECT_EQ(run_warden(arguments), (std::pair<int, std::string>{0, ""}));
        EXPECT_FALSE(has());
        if (!alive) continue;
        EXPECT_EQ(next_node()->view("until"), "0");
        ::kill(warden_, SIGKILL);
        ASSERT_TRUE(wait_warden());
    }
    ASSERT_EQ(::setns(before, CLONE_NEWNET), 0);
    ::close(before);
}

}  // namespace
}  // namespace tests
