// Clock, random numbers and host identity.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <set>
#include <string>

#include "adapters/linux/clock.h"
#include "adapters/linux/files.h"
#include "adapters/linux/host.h"
#include "adapters/linux/log.h"
#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

TEST(Clock, CountsFromBootAndNeverBack) {
    const Clock clock;
    std::ifstream file{"/proc/uptime"};
    double uptime = 0;
    file >> uptime;
    const auto first = clock.now();
    EXPECT_NEAR(std::chrono::duration<double>(first.time_since_epoch()).count(), uptime, 5.0);
    EXPECT_LE(first, clock.now());
    EXPECT_GT(clock.wall().ms, 1'700'000'000'000);
}

TEST(Random, StaysBelowAndReachesAll) {
    Random random;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i)
        seen.insert(random.below(3));
    EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2}));
    EXPECT_EQ(random.below(1), 0U);
    EXPECT_NE(random.below(UINT64_MAX), random.below(UINT64_MAX));
}

class HostTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(files_.create_directory(root_.path() + "/etc"));
        ASSERT_TRUE(files_.create_directory(root_.path() + "/var/lib/dbus"));
        ASSERT_TRUE(files_.create_directory(root_.path() + "/proc/sys/kernel/random"));
        put("/proc/sys/kernel/random/boot_id", "b-1\n");
    }
    void put(const std::string& path, const std::string& text) {
        ASSERT_TRUE(files_.write(root_.path() + path, model::as_bytes(text), false));
    }
    Files files_;
    test_support::TempDir root_;
    const std::string id_ = "0123456789abcdef0123456789abcdef";
};

TEST_F(HostTest, IsMachineAndBoot) {
    put("/etc/machine-id", id_ + "\n");
    const auto host = host_below(root_.path());
    ASSERT_TRUE(host);
    EXPECT_EQ(host->machine_id, id_);
    EXPECT_EQ(host->boot_id, "b-1");
}

TEST_F(HostTest, TakesTheCopyOfTheBus) {
    put("/etc/machine-id", "");
    put("/var/lib/dbus/machine-id", id_);
    EXPECT_EQ(host_below(root_.path())->machine_id, id_);
}

TEST_F(HostTest, NeverGuesses) {
    EXPECT_EQ(host_below(root_.path()).error().code, model::Errc::not_found);
    for (const auto* const bad :
         {"", "uninitialized\n", "0123", "0123456789ABCDEF0123456789ABCDEF"}) {
        put("/etc/machine-id", bad);
        EXPECT_FALSE(host_below(root_.path())) << bad;
    }
}

}  // namespace
}  // namespace adapters::linux_host
