// The units of systemd/, as files: what they promise, and how much they leave open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/processes.h"
#include "tests/support/temp_dir.h"

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const fs::path units = fs::path{SOURCE_DIR} / "systemd";

/// The values of each key; lines that go on are joined.
std::multimap<std::string, std::string> settings(const std::string& name) {
    std::multimap<std::string, std::string> all;
    std::ifstream file{units / name};
    EXPECT_TRUE(file) << name;
    std::string whole;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("#")) continue;
        whole += line;
        if (whole.ends_with("\\")) {
            whole.pop_back();
            continue;
        }
        const auto at = whole.find('=');
        if (at != std::string::npos) all.emplace(whole.substr(0, at), whole.substr(at + 1));
        whole.clear();
    }
    return all;
}

std::string value(const std::multimap<std::string, std::string>& all, const std::string& key) {
    const auto at = all.find(key);
    return at == all.end() ? std::string{} : at->second;
}

/// "Overall exposure level", in tenths; -1: systemd-analyze is not there.
int exposure(const fs::path& unit) {
    constexpr const char* program = "/usr/bin/systemd-analyze";
    if (::access(program, X_OK) != 0) return -1;
    const test_support::TempDir directory;
    const auto log = directory.path() + "/log";
    const auto pid =
        test_support::spawn({program, "security", "--offline=true", unit.string()}, {}, log);
    int status = -1;
    if (pid != 0) ::waitpid(pid, &status, 0);
    const auto text = test_support::read_text(log);
    const std::string mark = "exposure level for " + unit.filename().string() + ": ";
    const auto at = text.find(mark);
    EXPECT_NE(at, std::string::npos) << text;
    if (at == std::string::npos) return 100;
    return static_cast<int>(
        std::lround(std::strtod(text.c_str() + at + mark.size(), nullptr) * 10));
}

// defects.md M19: it has the rights that addresses need, says when it is ready, and has no reload
// that would end it.
TEST(ShippedUnits, TheDaemonsHasWhatItNeedsAndNoMore) {
    const auto unit = settings("convex-cluster-manager.service");
    EXPECT_EQ(value(unit, "Type"), "notify");
    EXPECT_EQ(unit.count("ExecReload"), 0U);
    EXPECT_EQ(unit.count("User"), 0U);
    EXPECT_EQ(unit.count("CapabilityBoundingSet"), 1U);
    EXPECT_THAT(value(unit, "CapabilityBoundingSet"), HasSubstr("CAP_NET_ADMIN"));
    for (const auto* const right : {"CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_MODULE", "~"})
        EXPECT_THAT(value(unit, "CapabilityBoundingSet"), Not(HasSubstr(right)));
    EXPECT_EQ(value(unit, "Restart"), "always");
    EXPECT_EQ(value(unit, "RestartPreventExitStatus"), "2 78");
    EXPECT_EQ(value(unit, "RuntimeDirectoryMode"), "0700");
    EXPECT_EQ(value(unit, "RuntimeDirectoryPreserve"), "yes") << "for the fence unit";
    EXPECT_EQ(value(unit, "OnFailure"), "convex-cluster-manager-fence.service");
    EXPECT_NE(value(unit, "WatchdogSec"), "");
    EXPECT_EQ(unit.count("MemoryDenyWriteExecute"), 0U) << "a backend may have a JIT";
}

TEST(ShippedUnits, TheBackendsIsNeverEnabledAndNotRestartedBySystemd) {
    const auto unit = settings("convex-backend.service");
    EXPECT_EQ(unit.count("WantedBy"), 0U);
    EXPECT_EQ(value(unit, "Restart"), "no");
    EXPECT_THAT(value(unit, "After"), HasSubstr("convex-cluster-manager.service"));
}

TEST(ShippedUnits, LeaveOpenNoMoreThanIsNeeded) {
    const auto root = exposure(units / "convex-cluster-manager.service");
    ASSERT_GE(root, 0) << "package systemd: scripts/setup.sh test";
    EXPECT_LE(root, 45);
    const test_support::TempDir directory;
    const fs::path at{directory.path()};
    fs::copy(units / "convex-cluster-manager.service", at);
    fs::create_directory(at / "convex-cluster-manager.service.d");
    fs::copy(units / "unprivileged/convex-cluster-manager.service.d.conf",
             at / "convex-cluster-manager.service.d/unprivileged.conf");
    EXPECT_LE(exposure(at / "convex-cluster-manager.service"), 30);
}

}  // namespace
