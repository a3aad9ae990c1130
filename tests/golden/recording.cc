#include "tests/golden/recording.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <memory>

#include "adapters/sqlite/database.h"
#include "model/ltx/encoder.h"
#include "model/object.h"

namespace golden {
namespace {

constexpr std::int64_t first_timestamp = 1'767'225'600'000;  // the first moment of 2026

using Connection = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

void run(sqlite3* db, const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sql << ": " << sqlite3_errmsg(db);
}

void add(Recording& to,
         int level,
         const model::ltx::Header& header,
         const std::vector<model::Page>& pages) {
    const auto bytes = model::ltx::encode(header, pages);
    ASSERT_TRUE(bytes) << bytes.error().message;
    to.files[model::ltx_name(level, header.min, header.max)] = model::to_text(*bytes);
}

void add_snapshot(Recording& to, reconcilers::ports::Database& database) {
    ASSERT_TRUE(database.lock_writers(std::chrono::milliseconds{100}));
    const auto image = database.begin_image();
    ASSERT_TRUE(image) << image.error().message;
    database.unlock_writers();
    const auto pages = database.read_image(1, image->pages);
    database.end_image();
    ASSERT_TRUE(pages) << pages.error().message;
    add(to,
        9,
        {.page_size = image->page_size,
         .commit = image->pages,
         .min = {1},
         .max = {1},
         .timestamp = {first_timestamp}},
        *pages);
}

model::WalPosition add_batch(Recording& to,
                             reconcilers::ports::Database& database,
                             const model::WalPosition& from,
                             std::uint64_t txid) {
    const auto batch = database.capture(from, 1U << 30U);
    EXPECT_TRUE(batch) << batch.error().message;
    if (!batch) return from;
    add(to,
        0,
        {.page_size = batch->page_size,
         .commit = batch->commit,
         .min = {txid},
         .max = {txid},
         .timestamp = {first_timestamp + static_cast<std::int64_t>(txid)},
         .wal_offset = batch->wal_offset,
         .wal_size = batch->wal_bytes,
         .wal_salt1 = batch->to.salt1,
         .wal_salt2 = batch->to.salt2},
        batch->pages);
    return batch->to;
}

}  // namespace

Recording record(const std::string& directory,
                 std::uint32_t page_size,
                 const std::string& first,
                 const std::vector<std::string>& steps) {
    Recording recorded;
    const auto path = directory + "/recorded-" + std::to_string(page_size);
    sqlite3* opened = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
    const Connection db{opened, sqlite3_close};
    run(db.get(),
        "PRAGMA page_size=" + std::to_string(page_size) + "; PRAGMA journal_mode=wal; " + first);

    const auto database = adapters::sqlite::make_database(path, {});
    const auto attached = database->attach({});
    EXPECT_TRUE(attached) << attached.error().message;
    if (!attached) return recorded;
    add_snapshot(recorded, *database);
    auto position = attached->position;
    std::uint64_t txid = 1;
    for (const auto& step : steps) {
        run(db.get(), step);
        position = add_batch(recorded, *database, position, ++txid);
    }

    sqlite3_int64 size = 0;
    unsigned char* const bytes = sqlite3_serialize(db.get(), "main", &size, 0);
    recorded.database.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    sqlite3_free(bytes);
    return recorded;
}

}  // namespace golden
