// A real Litestream restores what we capture and encode. Runs where LITESTREAM_DIR names a folder
// with VERSION/litestream inside, as make_golden.sh leaves it.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "adapters/sqlite/database.h"
#include "model/ltx/encoder.h"
#include "model/object.h"

namespace model::ltx {
namespace {

using std::chrono::milliseconds;

struct Replica : ::testing::Test {
    Replica() {
        std::string pattern = (std::filesystem::temp_directory_path() / "golden-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~Replica() override { std::filesystem::remove_all(folder); }

    void write(int level, const Header& header, const std::vector<Page>& pages) {
        const auto bytes = encode(header, pages);
        ASSERT_TRUE(bytes) << bytes.error().message;
        const auto path = folder / "replica" / ltx_name(level, header.min, header.max);
        std::filesystem::create_directories(path.parent_path());
        std::ofstream{path, std::ios::binary} << to_text(*bytes);
    }

    std::filesystem::path folder;
};

void run(sqlite3* db, const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
}

std::string read(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

int execute(std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (auto& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawn(&pid, words[0].c_str(), nullptr, nullptr, pointers.data(), environ) != 0) {
        return -1;
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
}

TEST_F(Replica, IsRestoredByLitestream) {
    const char* versions = std::getenv("LITESTREAM_DIR");
    if (versions == nullptr) GTEST_SKIP() << "LITESTREAM_DIR is not set";
    const std::string path = folder / "db";
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    run(db, "PRAGMA journal_mode=wal; CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)");
    run(db, "INSERT INTO t(b) VALUES (randomblob(50000)), (zeroblob(9000))");

    auto database = adapters::sqlite::make_database(path, {});
    const auto attached = database->attach({});
    ASSERT_TRUE(attached) << attached.error().message;
    ASSERT_TRUE(database->fence(milliseconds{100}));
    const auto image = database->begin_image();
    ASSERT_TRUE(image);
    database->unfence();
    const auto whole = database->read_image(1, image->pages);
    ASSERT_TRUE(whole);
    database->end_image();
    write(9,
          {.page_size = image->page_size,
           .commit = image->pages,
           .min = {1},
           .max = {1},
           .timestamp = {1'767'225'600'000}},
          *whole);

    auto position = attached->position;
    for (std::uint64_t txid = 2; txid < 40; ++txid) {
        run(db, "INSERT INTO t(b) VALUES (randomblob(7000)); UPDATE t SET b = 'x' WHERE a = 2");
        if (txid == 20) run(db, "DELETE FROM t WHERE a < 10; VACUUM");
        const auto batch = database->capture(position, 1U << 30U);
        ASSERT_TRUE(batch) << batch.error().message;
        position = batch->to;
        write(0,
              {.page_size = batch->page_size,
               .commit = batch->commit,
               .min = {txid},
               .max = {txid},
               .timestamp = {1'767'225'600'000 + static_cast<std::int64_t>(txid)},
               .wal_offset = batch->wal_offset,
               .wal_size = batch->wal_bytes,
               .wal_salt1 = batch->to.salt1,
               .wal_salt2 = batch->to.salt2},
              batch->pages);
    }
    sqlite3_int64 size = 0;
    unsigned char* bytes = sqlite3_serialize(db, "main", &size, 0);
    const std::string truth(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    sqlite3_free(bytes);
    sqlite3_close(db);

    int restored = 0;
    for (const auto& version : std::filesystem::directory_iterator{versions}) {
        const auto out = folder / ("restored-" + version.path().filename().string());
        ASSERT_EQ(execute({version.path() / "litestream",
                           "restore",
                           "-o",
                           out,
                           "file://" + (folder / "replica").string()}),
                  0)
            << version.path();
        EXPECT_EQ(read(out), truth) << version.path();
        ++restored;
    }
    EXPECT_GT(restored, 0);
}

}  // namespace
}  // namespace model::ltx
