#include "tests/architecture/layering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace architecture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Violations of one file with one include, among files that it may include.
std::vector<std::string> planted(const std::string& file, const std::string& include) {
    Includes files;
    for (const char* each : {"adapters/json/a.h",
                             "adapters/nats/a.h",
                             "adapters/sync/a.h",
                             "api/a.h",
                             "app/a.h",
                             "cli/a.h",
                             "config/a.h",
                             "control/a.h",
                             "model/a.h",
                             "reconcilers/a.h",
                             "reconcilers/ports/a.h",
                             "tests/a.h",
                             "warden/a.h"})
        files[each] = {};
    files[file] = {include};
    return violations(files);
}

TEST(Layering, TheTreeKeepsTheRules) {
    const auto files = read_includes(SOURCE_DIR);
    ASSERT_GT(files.size(), 20U);
    ASSERT_TRUE(files.contains("model/result.h"));
    ASSERT_THAT(files.at("model/result.h"), testing::Contains("<variant>"));
    EXPECT_THAT(violations(files), IsEmpty());
}

TEST(Layering, ArrowsPointInwards) {
    const std::vector<std::pair<const char*, const char*>> allowed{
        {"model/b.cc", "model/a.h"},
        {"reconcilers/ports/b.h", "model/a.h"},
        {"reconcilers/b.cc", "reconcilers/ports/a.h"},
        {"adapters/nats/b.cc", "reconcilers/ports/a.h"},
        {"adapters/nats/b.cc", "adapters/json/a.h"},
        {"adapters/nats/b.h", "adapters/sync/a.h"},
        {"app/b.h", "adapters/sync/a.h"},
        {"api/b.cc", "reconcilers/ports/a.h"},
        {"cli/b.cc", "model/a.h"},
        {"cli/b.cc", "config/a.h"},
        {"cli/b.cc", "control/a.h"},
        {"app/b.cc", "control/a.h"},
        {"config/b.cc", "model/a.h"},
        {"control/b.cc", "model/a.h"},
        {"control/b.cc", "reconcilers/ports/a.h"},
        {"adapters/linux/b.cc", "config/a.h"},
        {"warden/b.cc", "model/a.h"},
        {"app/b.cc", "adapters/nats/a.h"},
        {"app/program.cc", "cli/a.h"},
        {"examples/b.cc", "app/a.h"},
        {"tests/b.cc", "warden/a.h"}};
    for (const auto& [file, include] : allowed)
        EXPECT_THAT(planted(file, '"' + std::string{include} + '"'), IsEmpty()) << file;

    const std::vector<std::pair<const char*, const char*>> forbidden{
        {"model/b.cc", "reconcilers/ports/a.h"},
        {"reconcilers/ports/b.h", "reconcilers/a.h"},
        {"reconcilers/b.cc", "adapters/nats/a.h"},
        {"adapters/nats/b.cc", "reconcilers/a.h"},
        {"adapters/sqlite/b.cc", "adapters/nats/a.h"},
        {"adapters/json/b.cc", "adapters/nats/a.h"},
        {"adapters/sync/b.h", "adapters/json/a.h"},
        {"adapters/sync/b.h", "model/a.h"},
        {"api/b.cc", "adapters/sync/a.h"},
        {"reconcilers/b.cc", "adapters/sync/a.h"},
        {"warden/b.cc", "adapters/sync/a.h"},
        {"api/b.cc", "adapters/json/a.h"},
        {"api/b.cc", "reconcilers/a.h"},
        {"cli/b.cc", "api/a.h"},
        {"warden/b.cc", "reconcilers/ports/a.h"},
        {"app/b.cc", "warden/a.h"},
        {"app/b.cc", "cli/a.h"},
        {"cli/b.cc", "app/a.h"},
        {"config/b.cc", "reconcilers/ports/a.h"},
        {"config/b.cc", "control/a.h"},
        {"control/b.cc", "reconcilers/a.h"},
        {"control/b.cc", "config/a.h"},
        {"control/b.cc", "adapters/json/a.h"},
        {"control/b.cc", "cli/a.h"},
        {"control/b.cc", "app/a.h"},
        {"reconcilers/b.cc", "control/a.h"},
        {"adapters/nats/b.cc", "control/a.h"},
        {"model/b.cc", "control/a.h"},
        {"warden/b.cc", "control/a.h"},
        {"model/b.cc", "config/a.h"},
        {"reconcilers/b.cc", "config/a.h"},
        {"adapters/nats/b.cc", "config/a.h"},
        {"model/b.cc", "tests/a.h"},
        {"model/b.cc", "model/none.h"},
        {"model/b.cc", "a.h"}};
    for (const auto& [file, include] : forbidden) {
        EXPECT_THAT(planted(file, '"' + std::string{include} + '"'), ElementsAre(HasSubstr(file)))
            << include;
    }
}

TEST(Layering, TheModelAndTheReconcilersDoWithoutTheWorld) {
    for (const char* file :
         {"model/b.cc", "control/b.cc", "reconcilers/b.cc", "reconcilers/ports/b.h"}) {
        EXPECT_THAT(planted(file, "<vector>"), IsEmpty());
        for (const char* header : {"<thread>",
                                   "<mutex>",
                                   "<random>",
                                   "<filesystem>",
                                   "<atomic>",
                                   "<fstream>",
                                   "<unistd.h>",
                                   "<sys/stat.h>",
                                   "<sqlite3.h>",
                                   "<nats/nats.h>",
                                   "<nlohmann/json.hpp>",
                                   "<lz4frame.h>"})
            EXPECT_THAT(planted(file, header), ElementsAre(HasSubstr(header))) << file;
    }
    EXPECT_THAT(planted("model/ltx/b.cc", "<lz4frame.h>"), IsEmpty());
}

TEST(Layering, NoHeaderOfOursShowsALibrary) {
    EXPECT_THAT(planted("adapters/sqlite/b.h", "<sqlite3.h>"), ElementsAre(HasSubstr("sqlite3")));
    EXPECT_THAT(planted("adapters/sqlite/b.cc", "<sqlite3.h>"), IsEmpty());
    EXPECT_THAT(planted("adapters/linux/b.h", "<sys/types.h>"), IsEmpty());
    EXPECT_THAT(planted("warden/b.cc", "<fmt/core.h>"), ElementsAre(HasSubstr("no library")));
    EXPECT_THAT(planted("warden/b.cc", "<sys/pidfd.h>"), IsEmpty());
}

TEST(Layering, ACycleIsFoundHoweverLong) {
    EXPECT_THAT(violations({{"model/a.h", {"\"model/b.h\""}},
                            {"model/b.h", {"\"model/c.h\""}},
                            {"model/c.h", {"\"model/a.h\""}}}),
                ElementsAre("a cycle: model/a.h -> model/b.h -> model/c.h -> model/a.h"));
    EXPECT_THAT(violations({{"model/a.h", {"\"model/a.h\""}}}), ElementsAre(HasSubstr("cycle")));
    EXPECT_THAT(violations({{"model/a.h", {"\"model/c.h\""}},
                            {"model/b.h", {"\"model/a.h\"", "\"model/c.h\""}},
                            {"model/c.h", {}}}),
                IsEmpty());
}

}  // namespace
}  // namespace architecture
