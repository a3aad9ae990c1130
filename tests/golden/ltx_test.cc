// Decodes files of other tools, and compares the bytes that our encoder writes. The inputs come
// from make_golden.sh; GOLDEN_REWRITE=1 renews our own file.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/ltx/decoder.h"
#include "model/ltx/encoder.h"
#include "model/object.h"
#include "tests/golden/directory.h"

namespace model::ltx {
namespace {

using ::golden::read;
using ::golden::sorted;
const std::filesystem::path golden_files{GOLDEN};

struct Litestream : ::testing::TestWithParam<const char*> {
    const std::filesystem::path directory = golden_files / "ltx" / GetParam();
};

TEST_P(Litestream, EveryFileIsReadAndNamedAsItsHeaderSays) {
    int files = 0;
    for (const auto& level : sorted(directory)) {
        if (!std::filesystem::is_directory(level)) continue;
        for (const auto& path : sorted(level)) {
            const auto file = decode(read(path));
            ASSERT_TRUE(file) << path << ": " << file.error().message;
            const auto name =
                ltx_name(std::stoi(level.filename()), file->header.min, file->header.max);
            EXPECT_TRUE(name.ends_with(path.filename().string())) << name;
            EXPECT_EQ(file->header.flags, no_checksum);
            EXPECT_EQ(file->header.page_size, 1024U);
            ++files;
        }
    }
    EXPECT_GE(files, 5);
}

TEST_P(Litestream, ItsLevelZeroAppliedInOrderIsWhatItRestores) {
    std::uint64_t next = 1;
    for (const auto& path : sorted(directory / "0")) {
        const auto header = decode_header(read(path));
        ASSERT_TRUE(header) << path << ": " << header.error().message;
        EXPECT_EQ(header->min.value, next++);
    }
    EXPECT_EQ(::golden::apply(sorted(directory / "0")), read(directory / "restored.db"));
}

// 0.5.5 writes pages as LZ4 frames, 0.5.18 as LZ4 blocks.
INSTANTIATE_TEST_SUITE_P(Versions,
                         Litestream,
                         ::testing::Values("litestream-0.5.5", "litestream-0.5.18"),
                         [](const auto& version) {
                             return version.index == 0 ? "Frames" : "Blocks";
                         });

TEST(LtxGolden, TheInputsHoldBothPageForms) {
    // The flags of the first page follow the header and the page number.
    const std::string file = "0/0000000000000002-0000000000000002.ltx";
    EXPECT_EQ(read(golden_files / "ltx/litestream-0.5.5" / file)[105], std::byte{0});
    EXPECT_EQ(read(golden_files / "ltx/litestream-0.5.18" / file)[105], std::byte{1});
}

TEST(LtxGolden, OurEncoderWritesTheseBytes) {
    const Header header{.page_size = 512,
                        .commit = 300,
                        .min = {2},
                        .max = {0x1234},
                        .timestamp = {1'767'225'600'123},
                        .wal_offset = 32,
                        .wal_size = 3 * 536,
                        .wal_salt1 = 0x01020304,
                        .wal_salt2 = 0xa0b0c0d0};
    std::vector<Page> pages{{1, Bytes(512, std::byte{'a'})}, {2, Bytes(512)}, {300, {}}};
    for (std::uint32_t i = 0; i < 512; ++i)
        pages[2].data.push_back(static_cast<std::byte>((i * i * 2654435761U) >> 13U));
    const auto bytes = encode(header, pages);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const auto path = golden_files / "ltx/ours.ltx";
    if (std::getenv("GOLDEN_REWRITE") != nullptr) {
        std::ofstream{path, std::ios::binary} << to_text(*bytes);
    }
    EXPECT_EQ(*bytes, read(path));
    const auto file = decode(*bytes);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->pages, pages);
}

}  // namespace
}  // namespace model::ltx
