#include "adapters/dbus/unit_cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

#include "tests/support/processes.h"
#include "tests/support/temp_dir.h"

namespace adapters::dbus {
namespace {

void write_text(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

TEST(UnitCgroup, IsAsItsEventsSay) {
    const test_support::TempDir directory;
    write_text(directory.path() + "/cgroup.events", "populated 1\nfrozen 0\n");
    EXPECT_EQ(cgroup_life(directory.path()), CgroupLife::populated);
    write_text(directory.path() + "/cgroup.events", "populated 0\nfrozen 0\n");
    EXPECT_EQ(cgroup_life(directory.path()), CgroupLife::empty);
    write_text(directory.path() + "/cgroup.events", "frozen 0\n");
    EXPECT_EQ(cgroup_life(directory.path()), CgroupLife::unknown);
}

// Absent is empty below a cgroup2 alone: a wrong path is no proof of a death.
TEST(UnitCgroup, ThatIsNotThereIsEmptyBelowACgroup2Alone) {
    const test_support::TempDir directory;
    EXPECT_EQ(cgroup_life(directory.path() + "/system.slice/x.service"), CgroupLife::unknown);
    const auto mount = cgroup2_mount();
    if (mount.empty()) GTEST_SKIP() << "no cgroup2 is mounted";
    EXPECT_EQ(cgroup_life(mount + "/no.slice/no.service"), CgroupLife::empty);
}

TEST(UnitCgroup, EachProcessInItAndBelowGetsTheSignal) {
    const test_support::TempDir directory;
    std::string listed;
    std::vector<pid_t> all;
    for (int i = 0; i < 2; ++i) {
        all.push_back(test_support::spawn({"/bin/sleep", "1000"}, {}, directory.path() + "/log"));
        ASSERT_NE(all.back(), 0);
    }
    ASSERT_EQ(::mkdir((directory.path() + "/below").c_str(), 0700), 0);
    // 0: of another pid namespace, and never this process's own group.
    write_text(directory.path() + "/cgroup.procs", "0\n" + std::to_string(all[0]) + "\n");
    write_text(directory.path() + "/below/cgroup.procs", std::to_string(all[1]) + "\n");
    EXPECT_EQ(signal_cgroup(directory.path(), SIGKILL), 2);
    for (const auto pid : all)
        EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
    EXPECT_EQ(signal_cgroup(directory.path() + "/none", SIGKILL), 0);
}

}  // namespace
}  // namespace adapters::dbus
