#include "tests/adapters/sqlite/harness.h"

namespace adapters::sqlite {
namespace {

struct Image : ::testing::Test {
    Image() { create_wal_database(path); }

    model::Bytes read(reconcilers::ports::Database& database, std::uint32_t pages) {
        model::Bytes bytes;
        for (std::uint32_t first = 1; first <= pages; first += 7) {
            auto part = database.read_image(first, 7);
            EXPECT_TRUE(part) << part.error().message;
            if (!part) break;
            for (const auto& page : *part)
                bytes.insert(bytes.end(), page.data.begin(), page.data.end());
        }
        return bytes;
    }

    const Directory directory;
    const std::string path = directory.file("db");
};

TEST_F(Image, StandsWhereItWasBegunThoughCommitsGoOn) {
    Application application{path};
    for (int i = 0; i < 300; ++i)
        application.run(commit_one);
    Follower follower{path};
    follower.attach();
    auto& database = follower.database();
    for (const bool copied : {false, true}) {
        for (int i = 0; i < 20; ++i)
            application.run(commit_one);
        ASSERT_TRUE(database.lock_writers(milliseconds{100}));
        follower.capture_all();
        // Both kinds of pin: inside the WAL, and at the end of a completely copied one.
        if (copied) {
            ASSERT_TRUE(database.checkpoint(follower.position()));
        }
        const auto image = database.begin_image();
        ASSERT_TRUE(image) << image.error().message;
        const auto truth = Application{path}.content();
        database.unlock_writers();
        for (int i = 0; i < 300; ++i) {
            application.run(commit_one);
            if (i % 50 == 0) application.try_run("PRAGMA wal_checkpoint(PASSIVE)");
            if (i % 90 == 0) {
                ASSERT_TRUE(database.lock_writers(milliseconds{100}));
                follower.capture_all();
                EXPECT_TRUE(database.checkpoint(follower.position()));
                database.unlock_writers();
            }
        }
        EXPECT_EQ(read(database, image->pages), truth);
        EXPECT_EQ(image->page_size * image->pages, truth.size());
        database.end_image();
    }
    follower.verify();
}

TEST_F(Image, NeedsTheWriteLock) {
    auto database = make_database(path, {});
    ASSERT_TRUE(database->attach({}));
    EXPECT_EQ(database->begin_image().error().code, Errc::invalid);
    EXPECT_EQ(database->read_image(1, 1).error().code, Errc::invalid);
}

TEST_F(Image, ReturnsNothingBeyondItsEndAndPagesCountFromOne) {
    auto database = make_database(path, {});
    ASSERT_TRUE(database->attach({}));
    ASSERT_TRUE(database->lock_writers(milliseconds{100}));
    const auto image = database->begin_image();
    ASSERT_TRUE(image);
    EXPECT_GT(image->pages, 1U);
    EXPECT_EQ(database->read_image(1, image->pages + 5)->size(), image->pages);
    EXPECT_EQ(database->read_image(image->pages, 1)->size(), 1U);
    EXPECT_TRUE(database->read_image(image->pages + 1, 1)->empty());
    EXPECT_EQ(database->read_image(0, 1).error().code, Errc::invalid);
    database->end_image();
    EXPECT_EQ(database->read_image(1, 1).error().code, Errc::invalid);
}

TEST_F(Image, LeavesTheLockPageOut) {
    // Pages of 64 KiB: the lock page is number 16385, after 1 GiB of holes.
    const auto big = directory.file("big");
    Application{big}.run("PRAGMA page_size=65536; PRAGMA journal_mode=wal; CREATE TABLE t(a BLOB)");
    constexpr std::uint32_t lock = 16385;
    // Makes the file longer than the lock page without writing a gigabyte: SQLite takes the
    // database's size from the page count in its header.
    {
        const auto size = std::uint64_t{65536} * (lock + 2);
        std::filesystem::resize_file(big, size);
        std::fstream file{big, std::ios::binary | std::ios::in | std::ios::out};
        model::Bytes pages{std::byte{0}, std::byte{0}, std::byte{0x40}, std::byte{0x03}};
        file.seekp(28);
        file.write(reinterpret_cast<const char*>(pages.data()), 4);
    }
    auto database = make_database(big, {});
    const auto attached = database->attach({});
    ASSERT_TRUE(attached) << attached.error().message;
    ASSERT_TRUE(database->lock_writers(milliseconds{100}));
    const auto image = database->begin_image();
    ASSERT_TRUE(image);
    EXPECT_EQ(image->pages, lock + 2);
    const auto part = database->read_image(lock - 1, 4);
    ASSERT_TRUE(part) << part.error().message;
    ASSERT_EQ(part->size(), 3U);
    EXPECT_EQ((*part)[0].number, lock - 1);
    EXPECT_EQ((*part)[1].number, lock + 1);
    EXPECT_EQ((*part)[2].number, lock + 2);
}

}  // namespace
}  // namespace adapters::sqlite
