#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/adapters/sqlite/harness.h"

namespace adapters::sqlite {
namespace {

using Mode = reconcilers::ports::Database::Mode;
using ::testing::HasSubstr;

TEST(SqliteMode, DistinguishesAbsentWalAndOther) {
    const Directory directory;
    const auto path = directory.file("db");
    auto database = make_database(path, {});
    EXPECT_EQ(*database->mode(), Mode::absent);
    {
        Application application{path};
        application.run("CREATE TABLE t(a)");
        EXPECT_EQ(*database->mode(), Mode::other);
        application.run("PRAGMA journal_mode=wal");
        EXPECT_EQ(*database->mode(), Mode::wal);
        application.run("PRAGMA journal_mode=delete");
    }
    EXPECT_EQ(*database->mode(), Mode::other);
}

TEST(SqliteMode, AnEmptyFileIsADatabaseWithoutAMode) {
    const Directory directory;
    { const std::ofstream empty{directory.file("db")}; }
    auto database = make_database(directory.file("db"), {});
    EXPECT_EQ(*database->mode(), Mode::other);
    ASSERT_TRUE(database->convert_to_wal());
    EXPECT_EQ(*database->mode(), Mode::wal);
    EXPECT_TRUE(database->attach({}));
}

TEST(SqliteMode, AFileThatIsNoDatabaseIsCorrupt) {
    const Directory directory;
    std::ofstream{directory.file("db")} << std::string(8192, 'x');
    auto database = make_database(directory.file("db"), {});
    EXPECT_EQ(database->mode().error().code, Errc::corrupt);
    EXPECT_EQ(database->convert_to_wal().error().code, Errc::corrupt);
    EXPECT_EQ(database->attach({}).error().code, Errc::corrupt);
    std::ofstream{directory.file("short")} << "SQLite";
    EXPECT_EQ(make_database(directory.file("short"), {})->mode().error().code, Errc::corrupt);
}

TEST(SqliteMode, ADirectoryIsInvalid) {
    const Directory directory;
    EXPECT_EQ(make_database(directory.file("."), {})->mode().error().code, Errc::invalid);
}

TEST(SqliteMode, ADatabaseNotInWalModeIsNotAttached) {
    const Directory directory;
    const auto path = directory.file("db");
    Application{path}.run("CREATE TABLE t(a)");
    auto database = make_database(path, {});
    const auto attached = database->attach({});
    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error().code, Errc::invalid);
    EXPECT_THAT(attached.error().message, HasSubstr("not in WAL mode"));
    EXPECT_FALSE(database->attached());
    EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
}

TEST(SqliteMode, ConvertsAndKeepsOwnerAndMode) {
    const Directory directory;
    const auto path = directory.file("db");
    Application{path}.run("CREATE TABLE t(a); INSERT INTO t VALUES(7)");
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(path.c_str(), 1234, 1235), 0);
    }
    struct stat before {};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    auto database = make_database(path, {});
    const auto converted = database->convert_to_wal();
    ASSERT_TRUE(converted) << converted.error().message;
    EXPECT_EQ(*database->mode(), Mode::wal);
    ASSERT_TRUE(database->attach({}));
    for (const std::string suffix : {"", "-wal", "-shm"}) {
        struct stat after {};
        ASSERT_EQ(::stat((path + suffix).c_str(), &after), 0) << suffix;
        EXPECT_EQ(after.st_uid, before.st_uid) << suffix;
        EXPECT_EQ(after.st_gid, before.st_gid) << suffix;
        EXPECT_EQ(after.st_mode, before.st_mode) << suffix;
    }
    database->detach();
    EXPECT_TRUE(database->convert_to_wal()) << "again is success";
    EXPECT_TRUE(std::filesystem::exists(path + "-wal")) << "and touches no WAL";
    EXPECT_EQ(Application{path}.ask("SELECT a FROM t"), "7");
}

TEST(SqliteMode, AHotJournalIsPlayedBackFirst) {
    const Directory directory;
    const auto path = directory.file("db");
    {
        Application application{directory.file("live")};
        application.run(
            "CREATE TABLE t(a); INSERT INTO t VALUES('before'); PRAGMA cache_size=1;"
            "CREATE TABLE big(b); BEGIN; UPDATE t SET a='half';");
        for (int i = 0; i < 50; ++i)
            application.run("INSERT INTO big VALUES(randomblob(4000))");
        // The state that a killed application leaves: half of a transaction, and its rollback
        // journal.
        std::filesystem::copy_file(directory.file("live"), path);
        std::filesystem::copy_file(directory.file("live-journal"), path + "-journal");
    }
    auto database = make_database(path, {});
    EXPECT_EQ(*database->mode(), Mode::other);
    EXPECT_EQ(database->attach({}).error().code, Errc::invalid);
    const auto converted = database->convert_to_wal();
    ASSERT_TRUE(converted) << converted.error().message;
    EXPECT_EQ(*database->mode(), Mode::wal);
    EXPECT_FALSE(std::filesystem::exists(path + "-journal"));
    Application after{path};
    EXPECT_EQ(after.ask("SELECT a FROM t"), "before");
    EXPECT_EQ(after.ask("SELECT count(*) FROM big"), "0");
    EXPECT_EQ(after.ask("PRAGMA integrity_check"), "ok");
}

TEST(SqliteMode, ConversionOfALockedDatabaseIsUnavailableInBoundedTime) {
    const Directory directory;
    const auto path = directory.file("db");
    Application application{path};
    application.run("CREATE TABLE t(a); BEGIN IMMEDIATE");
    auto database = make_database(path, {.lock_budget = milliseconds{100}});
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(database->convert_to_wal().error().code, Errc::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds{500});
    EXPECT_EQ(*database->mode(), Mode::other);
    application.run("COMMIT");
    EXPECT_TRUE(database->convert_to_wal());
}

TEST(SqliteMode, ConversionIsRefusedWhileAttached) {
    const Directory directory;
    create_wal_database(directory.file("db"));
    auto database = make_database(directory.file("db"), {});
    ASSERT_TRUE(database->attach({}));
    EXPECT_EQ(database->convert_to_wal().error().code, Errc::invalid);
    // The application cannot leave WAL mode while we are attached, either.
    EXPECT_EQ(Application{directory.file("db")}.ask("PRAGMA journal_mode"), "wal");
}

}  // namespace
}  // namespace adapters::sqlite
