// Downloading one object: in pieces, with interruptions, and verified by its digest.
#include <gtest/gtest.h>

#include "reconcilers/replica/log_reader.h"
#include "tests/sim/store/sim_log_store.h"

namespace reconcilers::replica {
namespace {

using model::Errc;

constexpr std::string_view pieces[] = {"first ", "second ", "third"};
constexpr std::string_view whole = "first second third";

class DownloadTest : public testing::Test {
protected:
    DownloadTest() {
        EXPECT_TRUE(store.ensure());
        model::Sequence last;
        for (const auto piece : pieces)
            last = store.publish_chunks("nuid", {model::as_bytes(piece)}, last).value();
        const auto digest = store.new_digest();
        digest->update(model::as_bytes(whole));
        stored.meta.digest = digest->finish();
    }
    /// Reads the whole object in one call.
    model::Result<std::string> read_all() {
        Download download{stored};
        model::Bytes bytes;
        auto all = download.read(store, 1'000'000, bytes);
        if (!all) return std::move(all).error();
        EXPECT_TRUE(*all);
        return model::to_text(bytes);
    }

    sim::SimServer server;
    sim::SimClient& client = server.client("reader");
    sim::SimLogStore store{client, "wal"};
    model::StoredMeta stored{
        .meta = {.name = "ltx/0/x", .nuid = "nuid", .size = whole.size(), .chunks = 3}};
};

TEST_F(DownloadTest, BringsTheBytesThatTheDigestIsOf) { EXPECT_EQ(read_all().value(), whole); }

TEST_F(DownloadTest, OtherBytesThanTheDigestIsOfAreCorrupt) {
    const auto right = stored.meta.digest;
    auto& digit = stored.meta.digest.at(10);
    digit = digit == 'A' ? 'B' : 'A';
    const auto read = read_all();
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::corrupt);
    EXPECT_EQ(read.error().message,
              "ltx/0/x: the digest of its bytes in the store is " + right + ", its meta names " +
                  stored.meta.digest);
}

TEST_F(DownloadTest, ADigestWithoutPaddingOrNoneAtAllIsTaken) {
    ASSERT_EQ(stored.meta.digest.back(), '=');
    stored.meta.digest.pop_back();
    EXPECT_EQ(read_all().value(), whole);
    stored.meta.digest.clear();
    EXPECT_EQ(read_all().value(), whole);
}

TEST_F(DownloadTest, AnotherSizeIsCorrupt) {
    ++stored.meta.size;
    EXPECT_EQ(read_all().error().code, Errc::corrupt);
}

// defects.md C38
TEST_F(DownloadTest, GoesOnWhereItWasInterrupted) {
    Download download{stored};
    model::Bytes bytes;
    for (int left : {2, 0, 0, 1}) {
        client.limit_chunks(static_cast<std::size_t>(left));
        const auto before = bytes.size();
        const auto all = download.read(store, 1'000'000, bytes);
        if (all && *all) break;
        EXPECT_EQ(all.has_value(), left > 0) << "what came is handed over, and then the error told";
        EXPECT_EQ(bytes.size() > before, left > 0);
    }
    EXPECT_EQ(model::to_text(bytes), whole);
    EXPECT_EQ(client.chunks_read(), 3U);
}

}  // namespace
}  // namespace reconcilers::replica
