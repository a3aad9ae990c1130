// The client against a fake warden in the test: late, silent, gone, or sending garbage.
#include "adapters/linux/warden_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "adapters/linux/clock.h"
#include "adapters/linux/spawn_names.h"
#include "model/warden_message.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

using model::Errc;
using model::WardenAnswer;
using test_support::eventually;
using namespace std::chrono_literals;

class WardenClientTest : public testing::Test {
protected:
    void SetUp() override {
        int ends[2] = {-1, -1};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        warden_ = ends[0];
        auto client = WardenClient::attach(ends[1]);
        ASSERT_TRUE(client);
        client_ = std::move(*client);
    }
    void TearDown() override {
        hang_up();
        client_.reset();
        if (thread_.joinable()) thread_.join();
    }
    void hang_up() {
        if (warden_ >= 0) ::shutdown(warden_, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        if (warden_ >= 0) ::close(warden_);
        warden_ = -1;
    }
    void notify(const WardenAnswer& answer) {
        const auto packet = model::encode(answer);
        ASSERT_GT(::send(warden_, packet.data(), packet.size(), MSG_NOSIGNAL), 0);
    }
    // Answers each request with `with`, until hang_up().
    void play(std::function<void(const model::WardenRequest&)> with) {
        thread_ = std::thread{[this, with = std::move(with)] {
            model::Bytes packet(model::warden_message_limit);
            while (true) {
                const auto got = ::recv(warden_, packet.data(), packet.size(), 0);
                if (got <= 0) return;
                const auto request =
                    model::decode_warden_request({packet.data(), static_cast<std::size_t>(got)});
                if (request) with(*request);
            }
        }};
    }

    int warden_ = -1;
    std::unique_ptr<WardenClient> client_;
    std::thread thread_;
};

TEST_F(WardenClientTest, ReturnsTheAnswerAndItsView) {
    play([this](const auto& request) {
        notify({.id = request.id, .status = {.valid_until = request.valid_until}});
    });
    const model::Instant until{5s};
    EXPECT_TRUE(client_->set_deadline(until));
    EXPECT_EQ(client_->view().valid_until, until);
}

TEST_F(WardenClientTest, ReturnsARefusal) {
    play([this](const auto& request) {
        notify(
            {.id = request.id, .failure = model::error(Errc::fenced, "no strike time is ahead")});
    });
    const auto refused = client_->start_backend({0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::fenced);
    EXPECT_EQ(refused.error().message, "no strike time is ahead");
}

TEST_F(WardenClientTest, WaitsATenthOfASecondForASilentWarden) {
    const Clock clock;
    const auto before = clock.now();
    EXPECT_EQ(client_->disarm().error().code, Errc::unavailable);
    EXPECT_GE(clock.now() - before, 100ms);
    EXPECT_LT(clock.now() - before, 2s);
}

TEST_F(WardenClientTest, TakesALateAnswerForNobodysElse) {
    std::atomic<std::uint64_t> first = 0;
    play([&, this](const auto& request) {
        if (first == 0) {
            first = request.id;  // answered late, with the next request
            return;
        }
        notify({.id = first, .failure = model::error(Errc::conflict, "late")});
        notify({.id = request.id});
    });
    EXPECT_EQ(client_->stop_backend().error().code, Errc::unavailable);
    EXPECT_TRUE(client_->disarm());
}

TEST_F(WardenClientTest, IsFencedOnceTheWardenIsGone) {
    std::atomic<int> woken = 0;
    client_->on_change([&] { ++woken; });
    notify({});
    EXPECT_FALSE(client_->view().lost);
    hang_up();
    EXPECT_TRUE(eventually([&] { return client_->view().lost; }));
    EXPECT_EQ(client_->set_deadline({}).error().code, Errc::fenced);
    EXPECT_TRUE(eventually([&] { return woken >= 1; }));
}

TEST_F(WardenClientTest, IsFencedInTheMiddleOfARequest) {
    play([this](const auto&) { ::shutdown(warden_, SHUT_RDWR); });
    EXPECT_EQ(client_->kill_backend().error().code, Errc::fenced);
}

TEST_F(WardenClientTest, AWardenThatTalksNonsenseIsAsGoodAsNone) {
    ASSERT_EQ(::send(warden_, "nonsense", 8, MSG_NOSIGNAL), 8);
    EXPECT_TRUE(eventually([&] { return client_->view().lost; }));
}

TEST_F(WardenClientTest, WakesWhenTheViewChangesAndOnlyThen) {
    std::atomic<int> woken = 0;
    client_->on_change([&] { ++woken; });
    notify({.status = {.backend_running = true, .backend_pid = 3}});
    EXPECT_TRUE(eventually([&] { return woken == 1; }));
    notify({.status = {.backend_running = true, .backend_pid = 3}});
    notify({.status = {.backend_exit = 9}});
    EXPECT_TRUE(eventually([&] { return client_->view().backend_exit == 9; }));
    EXPECT_TRUE(eventually([&] { return woken == 2; }));
    client_->on_change({});
    notify({});
    EXPECT_TRUE(eventually([&] { return !client_->view().backend_exit; }));
    EXPECT_EQ(woken, 2);
}

TEST(WardenClient, RefusesWhatIsNoSocketOfAWarden) {
    for (const int fd : {-1, 0, 12345}) {
        const auto client = WardenClient::attach(fd);
        ASSERT_FALSE(client);
        EXPECT_EQ(client.error().code, Errc::invalid);
    }
}

TEST(SpawnNames, LeavesTheProgramToBeFoundAtItsStart) {
    const auto found =
        resolve({.command = {"sh", "-c", "x"}, .env = {{"PATH", "/nowhere:.::/bin"}}});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->command, (std::vector<std::string>{"sh", "-c", "x"}));
    EXPECT_EQ(found->path, (std::vector<std::string>{"/nowhere", "/bin"}));
    EXPECT_EQ(found->dir, "/");
    EXPECT_FALSE(found->change_user);
    EXPECT_EQ(found->refused, "");
    EXPECT_FALSE(resolve({.command = {"sh"}})->path.empty());
}

TEST(SpawnNames, FindsTheProgramInItsOwnPathAlone) {
    EXPECT_EQ(*find_program({.command = {"sh"}, .env = {{"PATH", "/nowhere:/bin"}}}), "/bin/sh");
    EXPECT_EQ(*find_program({.command = {"/bin/sh"}}), "/bin/sh");
    EXPECT_TRUE(find_program({.command = {"sh"}}));
    for (const auto* const name : {"sh", "/bin", "/etc/passwd", "/no/such/program"})
        EXPECT_FALSE(find_program({.command = {name}, .env = {{"PATH", "/nowhere:.:"}}})) << name;
}

TEST(SpawnNames, RecognisesProgramsThatEscape) {
    const auto why = [](std::vector<std::string> command) {
        return why_it_escapes({.command = std::move(command)});
    };
    EXPECT_NE(why({"docker", "run", "x"}).find("backend.kind = docker"), std::string::npos);
    EXPECT_NE(why({"/usr/local/bin/podman"}).find("backend.kind = docker"), std::string::npos);
    EXPECT_NE(why({"/bin/systemd-run", "--wait", "x"}).find("backend.kind = systemd"),
              std::string::npos);
    EXPECT_NE(why({"sudo", "-u", "x", "backend"}).find("backend.process.user"), std::string::npos);
    for (const auto* const name : {"ssh", "nsenter", "machinectl", "lxc-start", "su", "at"})
        EXPECT_NE(why({name, "x"}), "") << name;
    EXPECT_NE(why({"env", "-i", "A=b", "nice", "-n", "5", "/usr/bin/docker"}), "");
    EXPECT_NE(why({"timeout", "10", "ssh", "host"}), "");
    for (const auto& good : {std::vector<std::string>{"/bin/sh", "-c", "exec backend"},
                             {"my-docker"},
                             {"/opt/ssh/backend"},
                             {"grep", "docker"},
                             {"env"},
                             {"env", "A=b"},
                             {"env", "A=b", "backend", "docker"}})
        EXPECT_EQ(why(good), "") << good.front();
}

TEST(SpawnNames, FollowsALinkToAProgramThatEscapes) {
    const test_support::TempDir directory;
    const auto& path = directory.path();
    std::ofstream{path + "/docker"} << "#!/bin/sh\n";
    std::filesystem::permissions(path + "/docker", std::filesystem::perms::owner_all);
    std::filesystem::create_symlink(path + "/docker", path + "/service-of-ours");
    EXPECT_NE(why_it_escapes({.command = {path + "/service-of-ours"}}), "");
    EXPECT_NE(why_it_escapes({.command = {"service-of-ours"}, .env = {{"PATH", path}}}), "");
}

TEST(SpawnNames, LooksUpUsersByNameAndNumber) {
    const auto by_name = resolve({.command = {"/bin/sh"}, .user = "nobody"});
    ASSERT_TRUE(by_name) << by_name.error().message;
    EXPECT_TRUE(by_name->change_user);
    EXPECT_EQ(by_name->uid, 65534U);
    EXPECT_EQ(by_name->gid, 65534U);
    EXPECT_EQ(resolve({.command = {"/bin/sh"}, .user = "4711"})->uid, 4711U);
    EXPECT_EQ(resolve({.command = {"/bin/sh"}, .user = "nobody", .group = "daemon"})->gid, 1U);
}

TEST(SpawnNames, RefusesWhatIsNotThere) {
    using Spec = reconcilers::ports::SpawnSpec;
    for (const auto& bad : {Spec{},
                            Spec{.command = {""}},
                            Spec{.command = {"bin/sh"}},
                            Spec{.command = {"/bin/sh"}, .dir = "relative"},
                            Spec{.command = {"/bin/sh"}, .env = {{"A=B", "x"}}},
                            Spec{.command = {"/bin/sh"}, .env = {{"", "x"}}},
                            Spec{.command = {"/bin/sh"}, .user = "no-such-user"},
                            Spec{.command = {"/bin/sh"}, .group = "no-such-group"},
                            Spec{.command = {"/bin/sh"}, .limits = {{"stack", 1}}}}) {
        const auto found = resolve(bad);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, Errc::invalid);
    }
}

}  // namespace
}  // namespace adapters::linux_host
