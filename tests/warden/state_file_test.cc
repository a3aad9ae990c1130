#include "warden/state_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace warden {
namespace {

Saved full() {
    return {
        .boot_id = "4f0c",
        .valid_until = model::Instant{model::Duration{123456789012345}},
        .incarnation = "n1 with spaces",
        .backend =
            Saved::Backend{
                .token = "aa-1", .cgroup = "/sys/fs/cgroup/a b", .pid = 42, .start_ticks = 777},
        .targets = {
            {.name = "/sys/fs/cgroup/x y"},
            {.kind = model::WardenTarget::Kind::address, .name = "2001:db8::7/64", .ifindex = 3}}};
}

TEST(StateFile, SurvivesTheText) {
    const auto parsed = parse_saved(to_text(full()));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, full());
}

TEST(StateFile, SurvivesTheTextWithoutABackendOrACgroup) {
    Saved saved{.boot_id = "b"};
    EXPECT_EQ(*parse_saved(to_text(saved)), saved);
    saved.backend = Saved::Backend{.token = "t"};
    EXPECT_EQ(*parse_saved(to_text(saved)), saved);
}

TEST(StateFile, RefusesEveryCutAndEveryFlippedBit) {
    const auto text = to_text(full());
    for (std::size_t size = 0; size < text.size(); ++size)
        EXPECT_FALSE(parse_saved(text.substr(0, size))) << size;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto broken = text;
        broken[i] = static_cast<char>(broken[i] ^ 1);
        EXPECT_FALSE(parse_saved(broken)) << i;
    }
    EXPECT_FALSE(parse_saved(text + "more"));
}

class StateFileOnDisk : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/warden_state_XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        folder_ = name;
    }
    void TearDown() override {
        ::unlink(path().c_str());
        ::rmdir(folder_.c_str());
    }
    std::string path() const { return folder_ + "/state"; }

    std::string folder_;
};

TEST_F(StateFileOnDisk, IsReadAsItWasWritten) {
    ASSERT_TRUE(load_state(path()));
    EXPECT_FALSE(*load_state(path()));
    ASSERT_TRUE(save_state(path(), full()));
    EXPECT_EQ(**load_state(path()), full());
    ASSERT_TRUE(save_state(path(), {.boot_id = "x"}));
    EXPECT_EQ((**load_state(path())).boot_id, "x");
}

TEST_F(StateFileOnDisk, ADamagedOneIsAnErrorThatNamesIt) {
    std::ofstream{path()} << "nonsense";
    const auto loaded = load_state(path());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, model::Errc::corrupt);
    EXPECT_NE(loaded.error().message.find(path()), std::string::npos);
}

TEST_F(StateFileOnDisk, AFolderThatIsNotThereIsAnError) {
    EXPECT_FALSE(save_state(folder_ + "/absent/state", full()));
}

}  // namespace
}  // namespace warden
