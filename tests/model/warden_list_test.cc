#include "model/warden_list.h"

#include <gtest/gtest.h>

namespace model {
namespace {

Spawn spawn() {
    return {.command = {"backend", "--port", "1", ""},
            .path = {"/usr/bin", "/bin"},
            .dir = "/srv",
            .env = {"A=1", "B="},
            .change_user = true,
            .uid = 33,
            .gid = 34,
            .groups = {34, 35},
            .limits = {{"nofile", 1024}, {"core", 0}},
            .refused = "no user"};
}

WardenTarget address() {
    return {.kind = WardenTarget::Kind::address, .name = "192.0.2.7/24", .interface = "eth0"};
}

WardenTarget cgroup() { return {.name = "/sys/fs/cgroup/a unit"}; }

WardenList full() { return {.items = {spawn(), address(), cgroup()}}; }

TEST(WardenList, SurvivesItsBytes) {
    const auto bytes = encode(full());
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_EQ(*decode_warden_list(*bytes), full());
    EXPECT_EQ(*decode_warden_list(*encode(WardenList{})), WardenList{});
}

TEST(WardenList, NamesItsEntriesByNumberAndKind) {
    const auto list = full();
    EXPECT_EQ(*list.spawn({0}), spawn());
    EXPECT_EQ(*list.target({1}), address());
    EXPECT_EQ(*list.target({2}), cgroup());
    EXPECT_EQ(list.target({0}), nullptr);
    EXPECT_EQ(list.spawn({1}), nullptr);
    EXPECT_EQ(list.spawn({3}), nullptr);
    EXPECT_EQ(list.target({0xffffffff}), nullptr);
}

TEST(WardenList, RefusesEveryCutAndWhatIsTooLong) {
    const auto bytes = *encode(full());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_warden_list(ByteView{bytes}.first(size))) << size;
    auto longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decode_warden_list(longer));
}

TEST(WardenList, SurvivesAnyFlippedByte) {
    const auto bytes = *encode(full());
    for (std::size_t i = 0; i < bytes.size(); ++i)
        for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
            auto broken = bytes;
            broken[i] ^= static_cast<std::byte>(mask);
            (void)decode_warden_list(broken);  // refused or decoded, but no crash
        }
}

// The warden would refuse to start with it.
TEST(WardenList, CannotBeMadeOfWhatTheWardenCannotUse) {
    const auto refused = [](const WardenItem& item) {
        const auto bytes = encode(WardenList{.items = {item}});
        return !bytes && bytes.error().code == Errc::invalid;
    };
    std::vector<Spawn> spawns(9, spawn());
    spawns[0].command = {"bin/relative"};
    spawns[1].command = {};
    spawns[2].command = {""};
    spawns[3].dir = "srv";
    spawns[4].limits = {{std::string{"no\0file", 7}, 1}};
    spawns[5].env.assign(4097, "A=");
    spawns[6].groups.assign(4097, 1);
    spawns[7].path = {"bin"};
    spawns[8].env.emplace_back(warden_list_limit, 'x');
    for (std::size_t i = 0; i < spawns.size(); ++i)
        EXPECT_TRUE(refused(spawns[i])) << i;
    auto absolute = spawn();
    absolute.command = {"/bin/backend"};
    absolute.env.assign(4096, "A=");
    EXPECT_FALSE(refused(absolute));

    std::vector<WardenTarget> targets(11, address());
    targets[0].interface = "";
    targets[1].interface = std::string(interface_limit + 1, 'x');
    targets[2].interface = "a b";
    targets[3].name = "192.0.2.7/24 x";
    targets[4].name = "";
    targets[5].kind = static_cast<WardenTarget::Kind>(3);
    targets[6] = cgroup();
    targets[6].name = "relative";
    targets[7] = cgroup();
    targets[7].name = "/a\nb";
    targets[8] = cgroup();
    targets[8].interface = "eth0";
    targets[9] = cgroup();
    targets[9].name = "/" + std::string(target_name_limit, 'x');
    targets[10].interface = "a\nb";
    for (std::size_t i = 0; i < targets.size(); ++i)
        EXPECT_TRUE(refused(targets[i])) << i;

    WardenList many{.items = std::vector<WardenItem>(warden_entry_limit, cgroup())};
    EXPECT_TRUE(encode(many));
    many.items.emplace_back(cgroup());
    EXPECT_FALSE(encode(many));
}

}  // namespace
}  // namespace model
