// The cluster under faults drawn from seeds. `SIM_SEEDS=100..200 sim_test` runs others;
// SIM_TRACE=1 tells everything as it happens.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/sim/cluster/chaos.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

/// The seeds asked for, or from 1 to `count`.
std::pair<std::uint64_t, std::uint64_t> seeds(std::uint64_t count) {
    const char* const asked = std::getenv("SIM_SEEDS");
    if (asked == nullptr) return {1, count};
    const std::string text{asked};
    const auto dots = text.find("..");
    const auto first = std::stoull(text);
    return {first, dots == std::string::npos ? first : std::stoull(text.substr(dots + 2))};
}

void rain(const Faults& faults, int machines, model::Duration length, std::uint64_t count) {
    const auto [first, last] = seeds(count);
    for (auto seed = first; seed <= last; ++seed) {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        const auto wrong = run_chaos({.seed = seed, .machines = machines}, faults, length);
        ASSERT_EQ(wrong, "") << "run again: SIM_SEEDS=" << seed
                             << " sim_test --gtest_filter=" << test->test_suite_name() << '.'
                             << test->name();
    }
}

TEST(Sim, ProcessesAreKilledAndStopped) { rain(process_faults(), 2, 60s, 8); }
TEST(Sim, MachinesLoseTheirPower) { rain(power_faults(), 2, 80s, 8); }
TEST(Sim, TheStoreIsOutOfReachAndAnswersAreLost) { rain(network_faults(), 3, 60s, 6); }
TEST(Sim, EverythingHappensAtOnce) { rain(all_faults(), 3, 90s, 5); }
TEST(Sim, TheLogLosesItsLastMessage) {
    auto faults = all_faults();
    faults.lose_log = 2;
    rain(faults, 2, 60s, 6);
}

}  // namespace
}  // namespace sim
