#include "app/warden_list.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace app {
namespace {

config::Config with(std::vector<std::string> command, std::string user = {}) {
    config::Config config;
    config.file = "/etc/cluster.json";
    config.backend.kind = config::Backend::Kind::process;
    config.backend.process.command = std::move(command);
    config.backend.process.user = std::move(user);
    return config;
}

TEST(WardenList, HoldsTheBackendWhereTheNodeProcessLooksForIt) {
    const auto list = warden_list(with({"/bin/backend", "-x"}), {});
    ASSERT_TRUE(list) << list.error().message;
    const auto* const spawn = list->spawn(backend_entry);
    ASSERT_NE(spawn, nullptr);
    EXPECT_EQ(spawn->command, (std::vector<std::string>{"/bin/backend", "-x"}));
    EXPECT_EQ(spawn->refused, "");
}

// A node that cannot run the backend still keeps a copy of the data.
TEST(WardenList, SaysWhyABackendCannotBeStarted) {
    const auto list = warden_list(with({"/bin/backend"}, "no-such-user"), {});
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(list->spawn(backend_entry)->refused, "no user \"no-such-user\"");
}

TEST(WardenList, IsReadFromTheFileAsItWasMade) {
    const auto list = *warden_list(with({"/bin/backend"}), {});
    const auto fd = open_list(list);
    ASSERT_TRUE(fd) << fd.error().message;
    EXPECT_EQ(::fcntl(*fd, F_GETFD) & FD_CLOEXEC, 0) << "the warden inherits it";
    model::Bytes bytes(model::warden_list_limit);
    const auto got = ::pread(*fd, bytes.data(), bytes.size(), 0);
    ::close(*fd);
    ASSERT_GT(got, 0);
    EXPECT_EQ(
        *model::decode_warden_list(model::ByteView{bytes}.first(static_cast<std::size_t>(got))),
        list);
}

TEST(WardenList, HasTheCgroupOfAUnit) {
    config::Config config;
    config.backend.kind = config::Backend::Kind::systemd;
    const UnitPlace place{.root = "/sys/fs/cgroup", .path = "/system.slice/b.service"};
    const auto list = warden_list(config, place);
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(list->spawn(backend_entry), nullptr);
    ASSERT_NE(list->target(backend_entry), nullptr);
    EXPECT_EQ(list->target(backend_entry)->name, "/sys/fs/cgroup/system.slice/b.service");
    // Nothing by which it could be ended: the node keeps a copy, and is not fit to lead.
    const auto none = warden_list(config, {.root = "", .path = place.path});
    EXPECT_EQ(none->target(backend_entry), nullptr);
    EXPECT_EQ(none->spawn(backend_entry)->refused, "no cgroup v2 is mounted");
}

// Whatever the kind of the backend is, and whether it could be ended.
TEST(WardenList, HasTheAddressesBehindTheBackend) {
    auto config = with({"/bin/backend"});
    config.vips = {{.address = "192.0.2.7", .prefix = 32, .interface = "eth0"},
                   {.address = "2001:db8::7", .prefix = 128, .interface = "eth1"}};
    for (const auto kind : {config::Backend::Kind::process, config::Backend::Kind::systemd}) {
        config.backend.kind = kind;
        for (const auto* const root : {"/sys/fs/cgroup", ""}) {
            const auto list =
                warden_list(config, {.root = root, .path = "/system.slice/b.service"});
            ASSERT_TRUE(list) << list.error().message;
            ASSERT_EQ(list->items.size(), 3U);
            const auto* const first = list->target(address_entry(0));
            ASSERT_NE(first, nullptr);
            EXPECT_EQ(first->kind, model::WardenTarget::Kind::address);
            EXPECT_EQ(first->name, "192.0.2.7/32");
            EXPECT_EQ(list->target(address_entry(1))->interface, "eth1");
        }
    }
}

// W0: what the node process binds is what the warden ends, also where the configuration was edited
// between their starts.
TEST(WardenList, PassesItsAddressesOnToTheNodeProcess) {
    const std::vector<config::Vip> vips{
        {.address = "192.0.2.7", .prefix = 32, .interface = "eth0"},
        {.address = "2001:db8::7", .prefix = 64, .interface = "bond0.12"}};
    EXPECT_EQ(passed_on_vips(), std::nullopt);
    pass_on(vips);
    EXPECT_EQ(passed_on_vips(), vips);
    pass_on(std::vector<config::Vip>{});
    EXPECT_EQ(passed_on_vips(), std::vector<config::Vip>{}) << "none, whatever the file says now";
    ::unsetenv("CONVEX_VIRTUAL_ADDRESSES");
}

TEST(EscapingCommand, IsOfAProcessAlone) {
    config::Config config;
    config.backend.kind = config::Backend::Kind::systemd;
    EXPECT_EQ(escaping_command(config), "");
}

TEST(EscapingCommand, NamesTheKeyAndWhatToDo) {
    const auto why = escaping_command(with({"docker", "run", "service"}));
    EXPECT_EQ(why.find("/etc/cluster.json: backend.process.command: \"docker\" "), 0U) << why;
    EXPECT_NE(why.find("use backend.kind = docker"), std::string::npos) << why;
    EXPECT_EQ(escaping_command(with({"/bin/backend", "docker"})), "");
}

}  // namespace
}  // namespace app
