// A real Litestream restores what we capture and encode: the golden bucket, and a longer log with
// random pages. For restoring from NATS see tests/system/litestream_test.cc.
#include "tests/support/litestream.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/golden/directory.h"
#include "tests/golden/recording.h"
#include "tests/support/temp_dir.h"

namespace golden {
namespace {

struct RealLitestream : ::testing::TestWithParam<const char*> {
    void SetUp() override {
        if (test_support::litestream(GetParam()).empty()) {
            GTEST_SKIP() << test_support::no_litestream(GetParam());
        }
    }
    [[nodiscard]] model::Bytes restored(const std::filesystem::path& replica) {
        const auto into = work.path() + "/restored-" + std::to_string(++count);
        const auto done =
            test_support::restore_with_litestream(GetParam(), "file://" + replica.string(), into);
        EXPECT_EQ(done.status, 0) << done.output;
        return read(into);
    }
    test_support::TempDir work;
    int count = 0;
};

TEST_P(RealLitestream, RestoresTheGoldenBucket) {
    for (const auto& bucket : sorted(std::filesystem::path{GOLDEN} / "bucket"))
        EXPECT_TRUE(restored(bucket) == read(bucket / "restored.db")) << bucket;
}

TEST_P(RealLitestream, RestoresALongLogOfOurs) {
    std::vector<std::string> steps;
    for (int txid = 2; txid < 40; ++txid) {
        steps.emplace_back(
            "INSERT INTO t(b) VALUES (randomblob(7000));"
            "UPDATE t SET b = 'x' WHERE a = 2;");
        if (txid == 20) steps.back() += "DELETE FROM t WHERE a < 10; VACUUM;";
    }
    const auto recorded = record(work.path(),
                                 4096,
                                 "CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
                                 "INSERT INTO t(b) VALUES (randomblob(50000)), (zeroblob(9000));",
                                 steps);
    const auto replica = std::filesystem::path{work.path()} / "replica";
    for (const auto& [name, bytes] : recorded.files) {
        std::filesystem::create_directories((replica / name).parent_path());
        std::ofstream{replica / name, std::ios::binary} << bytes;
    }
    EXPECT_TRUE(restored(replica) == model::to_bytes(recorded.database));
}

INSTANTIATE_TEST_SUITE_P(Versions,
                         RealLitestream,
                         ::testing::Values(test_support::litestream_oldest,
                                           test_support::litestream_newest),
                         [](const auto& version) {
                             return version.index == 0 ? "Oldest" : "Newest";
                         });

}  // namespace
}  // namespace golden
