// The golden bucket: what our code wrote for a fixed sequence of commits, once with pages of 4096
// bytes and once of 512, and the database that a real Litestream restored from it. litestream_test
// restores it again where Litestream is installed; here our code must write the same bytes.
// GOLDEN_REWRITE=1 renews it.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/ltx/decoder.h"
#include "model/ltx/encoder.h"
#include "tests/golden/directory.h"
#include "tests/golden/recording.h"
#include "tests/support/temp_dir.h"

namespace golden {
namespace {

// Half of each row is compressible, half is not.
std::string insert(int from, int to) {
    return "WITH RECURSIVE n(i) AS (SELECT " + std::to_string(from) +
           " UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(to) +
           ") INSERT INTO t(a, b) SELECT i, printf('%08x%08x%08x%.*c', "
           "i * 2654435761 % 4294967296, i * 2246822519 % 4294967296, "
           "i * 3266489917 % 4294967296, 24 + i % 300, 'x') FROM n;";
}

std::string first() { return "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);" + insert(1, 20); }

std::vector<std::string> steps() {
    return {
        insert(21, 120),                                        // grows
        "UPDATE t SET b = 'short' WHERE a % 7 = 0;",            //
        "CREATE INDEX by_text ON t(b);",                        //
        "INSERT INTO t(a, b) VALUES (1000, zeroblob(15000));",  // overflow pages
        "DELETE FROM t WHERE a BETWEEN 11 AND 110;",            // free pages
        "VACUUM;",                                              // shrinks
        insert(200, 210) +
            "DELETE FROM t WHERE a = 1000; VACUUM;",  // grows and shrinks in one file
        insert(300, 340),                             // grows into the part that was truncated
    };
}

struct Bucket : ::testing::TestWithParam<std::uint32_t> {
    [[nodiscard]] std::filesystem::path of(const std::string& name) const {
        return directory / name;
    }
    /// All of its LTX files, the snapshot first.
    [[nodiscard]] std::vector<std::filesystem::path> files() const {
        auto all = sorted(directory / "ltx/9");
        const auto rest = sorted(directory / "ltx/0");
        all.insert(all.end(), rest.begin(), rest.end());
        return all;
    }
    const std::filesystem::path directory =
        std::filesystem::path{GOLDEN} / ("bucket/page-" + std::to_string(GetParam()));
};

void rewrite(const std::filesystem::path& directory, const Recording& recorded) {
    std::filesystem::remove_all(directory);
    for (const auto& [name, bytes] : recorded.files) {
        std::filesystem::create_directories((directory / name).parent_path());
        std::ofstream{directory / name, std::ios::binary} << bytes;
    }
    std::ofstream{directory / "restored.db", std::ios::binary} << recorded.database;
}

TEST_P(Bucket, OurEncoderWritesItsPagesAsTheSameBytes) {
    for (const auto& path : files()) {
        const auto bytes = read(path);
        const auto file = model::ltx::decode(bytes);
        ASSERT_TRUE(file) << path << ": " << file.error().message;
        EXPECT_EQ(file->header.page_size, GetParam());
        const auto again = model::ltx::encode(file->header, file->pages);
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_TRUE(*again == bytes) << path;
    }
}

TEST_P(Bucket, AppliedInOrderItIsWhatLitestreamRestores) {
    ASSERT_EQ(files().size(), 1 + steps().size());
    EXPECT_TRUE(apply(files()) == read(of("restored.db")));
}

TEST_P(Bucket, HoldsFilesThatGrowAndFilesThatShrinkTheDatabase) {
    int grown = 0;
    int shrunk = 0;
    std::uint32_t before = 0;
    for (const auto& path : files()) {
        const auto header = model::ltx::decode_header(read(path));
        ASSERT_TRUE(header) << path;
        if (before != 0 && header->commit > before) ++grown;
        if (before != 0 && header->commit < before) ++shrunk;
        before = header->commit;
    }
    EXPECT_GE(grown, 3);
    EXPECT_GE(shrunk, 1);
}

TEST_P(Bucket, TheSameCommitsAreCapturedAsTheSameFiles) {
    const bool renew = std::getenv("GOLDEN_REWRITE") != nullptr;
    if (!renew) {
        // SQLite writes its own version number into the database.
        const auto database = read(of("restored.db"));
        int version = 0;
        for (std::size_t at = 96; at < 100; ++at)
            version = version * 256 + std::to_integer<int>(database.at(at));
        if (version != sqlite3_libversion_number()) {
            GTEST_SKIP() << "made with SQLite " << version << ", here is "
                         << sqlite3_libversion_number();
        }
    }
    const test_support::TempDir work;
    const auto recorded = record(work.path(), GetParam(), first(), steps());
    if (renew) rewrite(directory, recorded);
    EXPECT_TRUE(model::to_bytes(recorded.database) == read(of("restored.db")));
    EXPECT_EQ(recorded.files.size(), files().size());
    for (const auto& [name, bytes] : recorded.files) {
        const auto kept = read(of(name));
        const auto theirs = model::ltx::decode_header(kept);
        auto ours = model::ltx::decode(model::as_bytes(bytes));
        ASSERT_TRUE(theirs && ours) << name;
        // SQLite chooses a WAL's salts at random.
        ours->header.wal_salt1 = theirs->wal_salt1;
        ours->header.wal_salt2 = theirs->wal_salt2;
        const auto again = model::ltx::encode(ours->header, ours->pages);
        ASSERT_TRUE(again) << name << ": " << again.error().message;
        EXPECT_TRUE(*again == kept) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(PageSizes, Bucket, ::testing::Values(4096U, 512U), [](const auto& size) {
    return "Of" + std::to_string(size.param);
});

}  // namespace
}  // namespace golden
