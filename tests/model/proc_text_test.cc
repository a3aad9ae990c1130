#include "model/proc_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace model {
namespace {

const std::string stat_of_init =
    "1 (systemd) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 23 24 25 26 27 28 29 30 31 32 "
    "33 "
    "34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 9\n";

// Fields 23 to 52.
const std::string rest_of_stat =
    " 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 256";

TEST(ProcessStat, IsReadByTheNumbersOfItsFields) {
    EXPECT_EQ(parse_process_stat(stat_of_init),
              (ProcessStat{
                  .state = 'S', .parent = 0, .threads = 1, .start_ticks = 777, .exit_status = 9}));
}

TEST(ProcessStat, IsReadBehindAnyName) {
    EXPECT_EQ(parse_process_stat("42 (a) R 1 (\n) ) Z 7 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 2 0 9" +
                                 rest_of_stat),
              (ProcessStat{
                  .state = 'Z', .parent = 7, .threads = 2, .start_ticks = 9, .exit_status = 256}));
}

TEST(ProcessStat, ThatIsCutShortIsNone) {
    for (const auto* const text : {"", ")", "1 (a)", "1 (a) ", "1 (a) S", "1 (a) S 0 1 1 0"})
        EXPECT_EQ(parse_process_stat(text), std::nullopt) << text;
}

TEST(ProcessStat, AZombieWithLivingThreadsHasNotEnded) {
    EXPECT_FALSE((ProcessStat{.state = 'Z', .threads = 2}.ended()));
    EXPECT_TRUE((ProcessStat{.state = 'Z', .threads = 1}.ended()));
    EXPECT_FALSE((ProcessStat{.state = 'S', .threads = 1}.ended()));
}

TEST(Pids, AreReadUpToTheFirstThatIsNone) {
    EXPECT_EQ(parse_pids("1 22 333 "), (std::vector<std::int32_t>{1, 22, 333}));
    EXPECT_EQ(parse_pids("4\n5\n"), (std::vector<std::int32_t>{4, 5}));
    EXPECT_EQ(parse_pids(""), std::vector<std::int32_t>{});
    EXPECT_EQ(parse_pids("6 x 7"), std::vector<std::int32_t>{6});
    EXPECT_EQ(parse_pids("0"), std::vector<std::int32_t>{}) << "of another pid namespace";
}

}  // namespace
}  // namespace model
