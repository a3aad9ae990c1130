#include "warden/state_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "model/fnv.h"
#include "model/ids.h"

namespace warden {
namespace {

Saved full() {
    return {.boot_id = "4f0c",
            .valid_until = model::Instant{model::Duration{123456789012345}},
            .incarnation = "n1 with spaces",
            .warden = {.pid = 4711, .start_ticks = 98765},
            .cgroup = "/sys/fs/cgroup/a b",
            .backend = Saved::Backend{.token = "aa-1",
                                      .cgroup = "/sys/fs/cgroup/a b",
                                      .pid = 42,
                                      .start_ticks = 777,
                                      .uid = 998},
            .leftovers = {{.cgroup = "/sys/fs/cgroup/old"}, {.token = "bb-2", .pid = 7}},
            .targets = {{.name = "/sys/fs/cgroup/x y"},
                        {.kind = model::WardenTarget::Kind::address,
                         .name = "2001:db8::7/64",
                         .interface = "eth0"},
                        {.kind = model::WardenTarget::Kind::address,
                         .name = "192.0.2.7/24",
                         .interface = "-"}},
            .targets_alive = true};
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

// With a correct checksum.
TEST(StateFile, RefusesOtherWaysToWriteTheSame) {
    const auto sealed = [](const std::string& until) {
        auto text = to_text({.boot_id = "b", .valid_until = model::Instant{model::Duration{5}}});
        const std::string line = "\nvalid_until 5\n";
        const auto at = text.find(line);
        EXPECT_NE(at, std::string::npos) << text;
        text.replace(at, line.size(), "\nvalid_until " + until + "\n");
        const auto body = text.substr(0, text.rfind("sum "));
        return body + "sum " + model::to_hex16(model::fnv1a(body)) + "\n";
    };
    EXPECT_TRUE(parse_saved(sealed("5")));
    for (const auto* until : {"05", "", "-5", "+5", "5 ", "0x20", "9223372036854775808"})
        EXPECT_FALSE(parse_saved(sealed(until))) << until;
}

class StateFileOnDisk : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/warden_state_XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
    }
    void TearDown() override {
        ::unlink(path().c_str());
        ::rmdir(directory_.c_str());
    }
    std::string path() const { return directory_ + "/state"; }

    std::string directory_;
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

TEST_F(StateFileOnDisk, ADirectoryThatIsNotThereIsAnError) {
    EXPECT_FALSE(save_state(directory_ + "/absent/state", full()));
    EXPECT_FALSE(check_directory_of(directory_ + "/absent/state"));
    ASSERT_TRUE(load_state(directory_ + "/absent/state")) << "nobody left anything there";
    EXPECT_FALSE(*load_state(directory_ + "/absent/state"));
}

// Otherwise, whoever could write it could make root's warden kill anything.
TEST_F(StateFileOnDisk, IsNotBelievedWhereOthersCanHaveWrittenIt) {
    ASSERT_TRUE(save_state(path(), full()));
    ASSERT_EQ(::chmod(path().c_str(), 0620), 0);
    EXPECT_EQ(load_state(path()).error().code, model::Errc::unavailable);
    ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
    EXPECT_TRUE(load_state(path()));
    ASSERT_EQ(::link(path().c_str(), (path() + "2").c_str()), 0);
    EXPECT_FALSE(load_state(path())) << "it has another name, elsewhere perhaps";
    ASSERT_EQ(::unlink((path() + "2").c_str()), 0);
    for (const mode_t mode : {mode_t{0770}, mode_t{0707}}) {
        ASSERT_EQ(::chmod(directory_.c_str(), mode), 0);
        EXPECT_FALSE(load_state(path()));
        EXPECT_FALSE(save_state(path(), full()));
        EXPECT_FALSE(check_directory_of(path()));
    }
    ASSERT_EQ(::chmod(directory_.c_str(), 0750), 0);
    EXPECT_TRUE(check_directory_of(path()));
    if (::getuid() != 0) return;
    ASSERT_EQ(::chown(path().c_str(), 65534, 65534), 0);
    EXPECT_FALSE(load_state(path()));
    ASSERT_EQ(::chown(path().c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(directory_.c_str(), 65534, 65534), 0);
    EXPECT_FALSE(load_state(path()));
    EXPECT_FALSE(save_state(path(), full()));
}

TEST_F(StateFileOnDisk, WaitsForNothingInItsPlace) {
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    EXPECT_FALSE(load_state(path()));
    ASSERT_TRUE(save_state(path(), full())) << "it is replaced";
    EXPECT_TRUE(load_state(path()));
    ASSERT_EQ(::unlink(path().c_str()), 0);
    ASSERT_EQ(::symlink("/dev/zero", path().c_str()), 0);
    EXPECT_FALSE(load_state(path()));
    const auto link = directory_ + "-link";
    ASSERT_EQ(::symlink(directory_.c_str(), link.c_str()), 0);
    EXPECT_FALSE(save_state(link + "/state", full())) << "the directory is a link";
    ::unlink(link.c_str());
}

TEST_F(StateFileOnDisk, CanBeRemoved) {
    ASSERT_TRUE(save_state(path(), full()));
    remove_state(path());
    EXPECT_FALSE(*load_state(path()));
    remove_state(path());
}

}  // namespace
}  // namespace warden
