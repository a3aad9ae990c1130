#include "warden/options.h"

#include <gtest/gtest.h>

namespace warden {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

Texts good() {
    return {"--state-dir",
            "/s",
            "--state-file",
            "/run/w",
            "--ttl-ms",
            "10000",
            "--margin-ms",
            "2000",
            "--",
            "/bin/node",
            "daemon",
            "--ttl-ms"};
}

TEST(Options, TakesWhatComesAfterTheDashesAsTheNodesCommand) {
    const auto options = parse_options(good());
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->lock_file, "/s/lock");
    EXPECT_EQ(options->state_file, "/run/w");
    EXPECT_EQ(options->ttl, 10s);
    EXPECT_EQ(options->margin, 2s);
    EXPECT_EQ(options->stop_timeout, 90s);
    EXPECT_EQ(options->node, (Texts{"/bin/node", "daemon", "--ttl-ms"}));
}

TEST(Options, RefusesWhatIsMissing) {
    for (const std::size_t pair : {0U, 2U, 4U, 6U}) {
        auto texts = good();
        texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(pair),
                    texts.begin() + static_cast<std::ptrdiff_t>(pair) + 2);
        EXPECT_FALSE(parse_options(texts)) << pair;
    }
    auto texts = good();
    texts.resize(9);
    EXPECT_FALSE(parse_options(texts));
}

TEST(Options, RefusesAMarginThatIsNotBelowTheTtl) {
    auto texts = good();
    texts[7] = "10000";
    EXPECT_FALSE(parse_options(texts));
    texts[7] = "9999";
    EXPECT_TRUE(parse_options(texts));
}

TEST(Options, RefusesImpossibleNumbers) {
    for (const auto* const bad : {"0", "-1", "1s", "", "99999999999999999999", "86400001"}) {
        auto texts = good();
        texts[5] = bad;
        EXPECT_FALSE(parse_options(texts)) << bad;
    }
}

TEST(Options, StrikeOnlyNeedsTheFilesAlone) {
    EXPECT_TRUE(parse_options({"--strike-only", "--lock-file", "/l", "--state-file", "/f"}));
    EXPECT_FALSE(parse_options({"--strike-only", "--lock-file", "/l"}));
}

TEST(Options, TakesTheLockBesideTheDatabaseAndTheList) {
    auto texts = good();
    texts.insert(texts.begin(), {"--data-path", "/d/app.db", "--list-fd", "7"});
    const auto options = parse_options(texts);
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->data_lock, "/d/app.db.daemon-lock");
    EXPECT_EQ(options->list_fd, 7);
    for (const auto* const bad : {"2", "x", "-1", ""}) {
        texts[3] = bad;
        EXPECT_FALSE(parse_options(texts)) << bad;
    }
}

TEST(Options, RefusesTheUnknown) {
    EXPECT_FALSE(parse_options({"--wat", "x"}));
    EXPECT_FALSE(parse_options({"--ttl-ms"}));
}

}  // namespace
}  // namespace warden
