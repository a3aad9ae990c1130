// Clusters under random faults. `SIM_SEEDS=100..200 sim_test` selects the seeds; SIM_TRACE=1 prints
// everything as it happens, SIM_EVENTS=FILE appends all events to FILE.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/sim/cluster/chaos.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

/// The seeds from SIM_SEEDS, else 1 to `count`.
std::pair<std::uint64_t, std::uint64_t> seeds(std::uint64_t count) {
    const char* const asked = std::getenv("SIM_SEEDS");
    if (asked == nullptr) return {1, count};
    const std::string text{asked};
    const auto dots = text.find("..");
    const auto first = std::stoull(text);
    return {first, dots == std::string::npos ? first : std::stoull(text.substr(dots + 2))};
}

void run_seeds(const Faults& faults,
               int machines,
               model::Duration length,
               std::uint64_t count,
               bool vip = false) {
    const auto [first, last] = seeds(count);
    for (auto seed = first; seed <= last; ++seed) {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        const auto wrong =
            run_chaos({.seed = seed, .machines = machines, .vip = vip}, faults, length);
        ASSERT_EQ(wrong, "") << "run again: SIM_SEEDS=" << seed
                             << " sim_test --gtest_filter=" << test->test_suite_name() << '.'
                             << test->name();
    }
}

TEST(Sim, ProcessesAreKilledAndStopped) { run_seeds(process_faults(), 2, 60s, 8); }
TEST(Sim, MachinesLoseTheirPower) { run_seeds(power_faults(), 2, 80s, 8); }
TEST(Sim, TheStoreIsOutOfReachAndAnswersAreLost) { run_seeds(network_faults(), 3, 60s, 6); }
TEST(Sim, EverythingHappensAtOnce) { run_seeds(all_faults(), 3, 90s, 5); }
TEST(Sim, TheLogLosesItsLastMessage) {
    auto faults = all_faults();
    faults.lose_log = 2;
    run_seeds(faults, 2, 60s, 6);
}

// I6.
TEST(Sim, TheAddressIsWhereTheLeaseIs) {
    auto faults = all_faults();
    faults.delete_address = 4;
    faults.lose_carrier = 2;
    run_seeds(faults, 3, 80s, 4, true);
}
TEST(Sim, TheAddressMovesWhileProcessesAreStoppedAndKilled) {
    run_seeds(process_faults(), 2, 60s, 4, true);
}

}  // namespace
}  // namespace sim
