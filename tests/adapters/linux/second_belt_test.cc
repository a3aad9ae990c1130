// The second belt with real processes, under a warden that is played by the test.
#include "adapters/linux/second_belt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/linux/clock.h"
#include "adapters/sync/mutex.h"
#include "model/warden_message.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"
#include "tests/support/temp_dir.h"

namespace adapters::linux_host {
namespace {

using test_support::eventually;
using test_support::lives;
using namespace std::chrono_literals;

constexpr auto margin = 400ms;  // the belt's strike comes 150 ms before the lease ends

class Recorder final : public reconcilers::ports::Events {
public:
    void emit(reconcilers::ports::Level,
              std::string_view name,
              const reconcilers::ports::Fields& fields) override {
        const sync::Lock lock{mutex_};
        auto& text = lines_.emplace_back(name);
        for (const auto& [field, value] : fields)
            text += " " + std::string{field} + "=" + value;
    }
    [[nodiscard]] std::vector<std::string> lines() {
        const sync::Lock lock{mutex_};
        return lines_;
    }
    [[nodiscard]] std::string line(const std::string& name) {
        for (const auto& each : lines())
            if (each.rfind(name, 0) == 0) return each;
        return {};
    }

private:
    sync::Mutex mutex_;
    std::vector<std::string> lines_ GUARDED_BY(mutex_);
};

std::uint64_t start_ticks(pid_t pid) {
    const auto stat = test_support::read_text("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream rest{stat.substr(stat.rfind(')') + 2)};
    std::string word;
    for (int field = 3; field <= 22; ++field)
        rest >> word;
    return std::stoull(word);
}

class SecondBeltTest : public testing::Test {
protected:
    void SetUp() override {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        int ends[2] = {-1, -1};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        warden_ = ends[0];
        auto client = WardenClient::attach(ends[1]);
        ASSERT_TRUE(client);
        client_ = std::move(*client);
        belt_ = std::make_unique<SecondBelt>(
            SecondBelt::Settings{.margin = margin, .warden = ::getpid(), .also = {}},
            *client_,
            events_);
    }
    void TearDown() override {
        belt_.reset();
        ::shutdown(warden_, SHUT_RDWR);
        client_.reset();
        ::close(warden_);
        for (const auto pid : started_) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        for (const auto pid : test_support::children(::getpid()))
            ADD_FAILURE() << pid << " was left: " << test_support::command_line(pid);
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    }

    pid_t start(const std::string& script) {
        const auto pid =
            test_support::spawn({"/bin/sh", "-c", script}, {}, directory_.path() + "/log");
        started_.push_back(pid);
        EXPECT_TRUE(eventually([&] {
            return test_support::command_line(pid).rfind(std::string{"/bin/sh\0-c", 10}, 0) == 0 ||
                   test_support::command_line(pid).rfind("sleep", 0) == 0;
        }));
        return pid;
    }
    pid_t pid_in(const std::string& name) const {
        return std::atoi(test_support::read_text(directory_.path() + "/" + name).c_str());
    }
    // What the warden says by itself.
    void say(const model::WardenStatus& status) {
        const auto packet = model::encode(model::WardenAnswer{.status = status});
        ASSERT_GT(::send(warden_, packet.data(), packet.size(), MSG_NOSIGNAL), 0);
    }
    [[nodiscard]] model::WardenStatus running(pid_t pid, model::Duration left) const {
        return {.valid_until = clock_.now() + left,
                .backend_running = true,
                .backend_pid = pid,
                .backend_start_ticks = start_ticks(pid),
                .backend_starts = 1};
    }

    const Clock clock_{};
    test_support::TempDir directory_;
    Recorder events_;
    int warden_ = -1;
    std::unique_ptr<WardenClient> client_;
    std::unique_ptr<SecondBelt> belt_;
    std::vector<pid_t> started_;
};

TEST_F(SecondBeltTest, KillsTheBackendOfASilentWardenBeforeTheLeaseEnds) {
    const auto backend = start("exec sleep 600");
    const auto status = running(backend, 500ms);
    say(status);
    ASSERT_TRUE(eventually([&] { return !lives(backend); }));
    EXPECT_GE(clock_.now(), status.valid_until - margin / 2);
    ASSERT_TRUE(eventually([&] { return !events_.line("belt.struck").empty(); }));
    const auto line = events_.line("belt.struck");
    EXPECT_NE(line.find("reason=strike_time"), std::string::npos) << line;
    EXPECT_NE(line.find("pid=" + std::to_string(backend)), std::string::npos) << line;
    EXPECT_TRUE(eventually([&] { return !client_->view().struck.empty(); }));
}

TEST_F(SecondBeltTest, LeavesItAliveWhileTheWardenIsHeardOf) {
    const auto backend = start("exec sleep 600");
    auto status = running(backend, 400ms);
    say(status);
    // Renewals, past the first deadline.
    const auto until = clock_.now() + 1s;
    ASSERT_TRUE(eventually([&] {
        status.valid_until = clock_.now() + 400ms;
        say(status);
        return clock_.now() > until;
    }));
    EXPECT_TRUE(lives(backend));
    // It struck itself, or the node let go of the lease in order.
    status.valid_until = {};
    say(status);
    const auto later = clock_.now() + 1s;
    ASSERT_TRUE(eventually([&] { return clock_.now() > later; }));
    EXPECT_TRUE(lives(backend));
    EXPECT_EQ(events_.line("belt."), "");
    // And when it falls silent, this thread is still there.
    say(running(backend, 300ms));
    EXPECT_TRUE(eventually([&] { return !lives(backend); }));
}

TEST_F(SecondBeltTest, KillsGroupAndDescendantsWhereverTheyMoved) {
    const auto& path = directory_.path();
    const auto backend =
        start("sleep 600 & echo $! > " + path + "/child; (setsid env -i sleep 600 & echo $! > " +
              path + "/orphan) ; exec sleep 600");
    ASSERT_TRUE(eventually([&] { return pid_in("child") > 0 && pid_in("orphan") > 0; }));
    ASSERT_TRUE(eventually(
        [&] { return test_support::command_line(pid_in("orphan")).rfind("sleep", 0) == 0; }));
    say(running(backend, 300ms));
    EXPECT_TRUE(eventually(
        [&] { return !lives(backend) && !lives(pid_in("child")) && !lives(pid_in("orphan")); }));
    EXPECT_TRUE(eventually([&] { return !events_.line("belt.death_proven").empty(); }));
}

// The warden may be stopped between the start and its word.
TEST_F(SecondBeltTest, KillsABackendThatWasNotReported) {
    say({.valid_until = clock_.now() + 500ms});
    const auto backend = start("exec sleep 600");
    EXPECT_TRUE(eventually([&] { return !lives(backend); }));
}

TEST_F(SecondBeltTest, NeverKillsWhoHasAPidOfTheBackendByNow) {
    // Older than what the warden names, as whoever was there before the backend is.
    const auto stranger = start("exec sleep 600");
    auto status = running(stranger, 300ms);
    ++status.backend_start_ticks;
    say(status);
    ASSERT_TRUE(eventually([&] { return !events_.line("belt.struck").empty(); }));
    EXPECT_TRUE(lives(stranger));
}

TEST_F(SecondBeltTest, KillsStoppedProcesses) {
    const auto backend = start("exec sleep 600");
    ::kill(backend, SIGSTOP);
    say(running(backend, 300ms));
    EXPECT_TRUE(eventually([&] { return !lives(backend); }));
}

// Another holder may serve already: the old deadline is not waited for.
TEST_F(SecondBeltTest, ADeposedNodeWaitsForNoStrikeTime) {
    const auto backend = start("exec sleep 600");
    const auto status = running(backend, 1h);
    say(status);
    ASSERT_TRUE(eventually([&] { return client_->heard().watch.valid_until != model::Instant{}; }));
    EXPECT_EQ(client_->set_deadline({}).error().code, model::Errc::unavailable);
    EXPECT_TRUE(eventually([&] { return !lives(backend); }));
    ASSERT_TRUE(eventually([&] { return !events_.line("belt.struck").empty(); }));
    EXPECT_NE(events_.line("belt.struck").find("reason=deposed"), std::string::npos);
}

TEST_F(SecondBeltTest, AWardenThatAnswersLateIsNotReplaced) {
    const auto backend = start("exec sleep 600");
    say(running(backend, 1h));
    ASSERT_TRUE(eventually([&] { return client_->heard().watch.valid_until != model::Instant{}; }));
    EXPECT_FALSE(client_->view().silent);
    EXPECT_EQ(client_->stop_backend().error().code, model::Errc::unavailable);
    EXPECT_TRUE(client_->view().silent);
    say(running(backend, 1h));
    EXPECT_TRUE(eventually([&] { return !client_->view().silent; }));
    EXPECT_TRUE(lives(backend));
    EXPECT_EQ(events_.line("belt."), "");
}

}  // namespace
}  // namespace adapters::linux_host
