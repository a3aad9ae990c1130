// Liveness of processes: dead means proven dead.
#include "warden/life.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "warden/cgroup.h"
#include "warden/group.h"
#include "warden/proc.h"

namespace warden {
namespace {

TEST(LifeOfTwo, IsDeadWhereBothAre) {
    EXPECT_TRUE(both(dead(), dead()).dead());
    EXPECT_TRUE(both(dead(), unknown("why")).unknown());
    EXPECT_EQ(both(unknown("why"), dead()).why, "why");
    EXPECT_TRUE(both(unknown("why"), alive()).alive());
    EXPECT_TRUE(both(alive(), dead()).alive());
    EXPECT_TRUE(Life{}.unknown());
}

TEST(LifeOfAProcess, IsIdentifiedByPidAndStart) {
    const auto ticks = start_ticks(::getpid());
    ASSERT_TRUE(ticks);
    EXPECT_TRUE(process_life(::getpid(), *ticks).alive());
    EXPECT_TRUE(process_life(::getpid(), *ticks + 1).dead());
    EXPECT_TRUE(process_life(0, 0).dead());
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    const auto of_child = process_stat(child)->start_ticks;
    EXPECT_TRUE(process_life(child, of_child).dead()) << "a zombie";
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(process_life(child, of_child).dead());
}

// Its first thread has ended: the kernel shows a zombie, but other threads run.
TEST(LifeOfAProcess, GoesOnInItsOtherThreads) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::thread{[] {
            while (true)
                ::pause();
        }}.detach();
        ::syscall(SYS_exit, 0);  // ends this thread only
    }
    const auto state = [child] { return process_stat(child)->state; };
    while (state() != 'Z')
        ::usleep(100);
    EXPECT_TRUE(process_life(child, process_stat(child)->start_ticks).alive());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

// A debugger at its prompt: nobody waits for the threads that it holds.
TEST(LifeOfAProcess, EndsThoughATracerHoldsItsThreads) {
    int started[2];
    ASSERT_EQ(::pipe2(started, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        for (int i = 0; i < 2; ++i)
            std::thread{[&started] {
                if (::write(started[1], "s", 1) != 1) ::_exit(1);
                while (true)
                    ::pause();
            }}.detach();
        while (true)
            ::pause();
    }
    ::close(started[1]);
    char byte = 0;
    for (int i = 0; i < 2;
         ++i)  // not by the number of threads: ThreadSanitizer adds one of its own
        ASSERT_EQ(::read(started[0], &byte, 1), 1);
    ::close(started[0]);
    const pid_t tracer = ::fork();
    if (tracer == 0) {
        for (const auto& thread :
             std::filesystem::directory_iterator{"/proc/" + std::to_string(child) + "/task"})
            if (::ptrace(PTRACE_SEIZE, std::stoi(thread.path().filename()), nullptr, nullptr) != 0)
                ::_exit(1);
        ::kill(child, SIGKILL);
        while (true)
            ::pause();
    }
    const auto stat = [child] { return process_stat(child).value(); };
    for (int i = 0; i < 20'000 && !stat().ended(); ++i)
        ::usleep(100);
    EXPECT_TRUE(stat().ended());
    EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "the tracer does not hold it";
    EXPECT_EQ(stat().exit_status, SIGKILL);
    EXPECT_TRUE(process_life(child, stat().start_ticks).dead());
    ::kill(tracer, SIGKILL);
    ::waitpid(tracer, nullptr, 0);
    ::waitpid(child, nullptr, 0);
}

class LifeOfACgroup : public testing::Test {
protected:
    void SetUp() override {
        auto created = create_cgroup("warden-life-" + std::to_string(::getpid()));
        ASSERT_TRUE(created) << created.error().message;
        path_ = *created;
    }
    void TearDown() override { EXPECT_TRUE(remove_cgroup(path_)); }

    pid_t start_in(const std::string& path) {
        const pid_t child = ::fork();
        if (child == 0)
            while (true)
                ::pause();
        std::ofstream{path + "/cgroup.procs"} << child;
        return child;
    }
    std::string path_;
};

TEST_F(LifeOfACgroup, IsWhatTheKernelSaysOfAllOfIt) {
    EXPECT_TRUE(cgroup_life(path_).dead());
    const auto below = path_ + "/a";
    ASSERT_EQ(::mkdir(below.c_str(), 0755), 0);
    const auto child = start_in(below);
    EXPECT_TRUE(cgroup_life(path_).alive());
    Cgroup open;
    ASSERT_TRUE(open.open(path_));
    EXPECT_TRUE(open.life().alive());
    EXPECT_FALSE(remove_cgroup(path_));
    open.kill();
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(open.life().dead());
    EXPECT_TRUE(remove_cgroup(path_)) << "with the one below it";
    EXPECT_TRUE(open.life().dead()) << "what was removed was empty";
    EXPECT_TRUE(cgroup_life(path_).dead());
}

TEST_F(LifeOfACgroup, IsUnknownWhereItCannotBeRead) {
    const auto nowhere = "/tmp/warden-life-" + std::to_string(::getpid());
    EXPECT_TRUE(cgroup_life(nowhere).unknown()) << "no cgroup was ever there";
    ASSERT_EQ(::mkdir(nowhere.c_str(), 0700), 0);
    EXPECT_TRUE(cgroup_life(nowhere).unknown());
    std::ofstream{nowhere + "/cgroup.events"} << "frozen 0\n";
    EXPECT_TRUE(cgroup_life(nowhere).unknown()) << "it does not say";
    std::filesystem::remove_all(nowhere);
    if (::access("/sys/fs/cgroup/systemd/cgroup.procs", F_OK) == 0) {
        EXPECT_TRUE(cgroup_life("/sys/fs/cgroup/systemd").unknown()) << "version 1 does not say";
    }
    // No descriptor can be opened.
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto life = cgroup_life(path_);
    const auto of_process = process_life(::getpid(), 1);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(life.unknown());
    EXPECT_NE(life.why.find("Too many open files"), std::string::npos) << life.why;
    EXPECT_TRUE(of_process.unknown());
}

// Linux before 5.14 has no cgroup.kill.
TEST_F(LifeOfACgroup, CanBeEndedProcessByProcess) {
    const auto below = path_ + "/a";
    ASSERT_EQ(::mkdir(below.c_str(), 0755), 0);
    const auto one = start_in(path_);
    const auto other = start_in(below);
    kill_each_in(path_);
    ::waitpid(one, nullptr, 0);
    ::waitpid(other, nullptr, 0);
    EXPECT_TRUE(cgroup_life(path_).dead());
}

TEST(SearchForTokens, SurvivesItsText) {
    const auto found = parse_token_search(to_text({.killed = 3, .hidden = 1, .why = "a b"}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->killed, 3);
    EXPECT_EQ(found->hidden, 1);
    EXPECT_EQ(found->why, "a b");
    EXPECT_TRUE(parse_token_search(to_text({})));
    for (const auto* const bad : {"", "1", "1 x ", "x 1 ", "1 2"})
        EXPECT_FALSE(parse_token_search(bad)) << bad;
}

// Another user's process may be part of it: that is not excluded, and so not reported as dead.
TEST(SearchForTokens, ReportsWhatItCannotRead) {
    if (::getuid() != 0) GTEST_SKIP() << "needs root, to be two users";
    int ready[2] = {-1, -1};
    ASSERT_EQ(::pipe(ready), 0);
    // A process that other processes of the same user cannot inspect.
    const pid_t child = ::fork();
    if (child == 0) {
        (void)::setresgid(65533, 65533, 65533);
        (void)::setresuid(65533, 65533, 65533);  // makes it undumpable
        (void)::write(ready[1], "r", 1);
        while (true)
            ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    const auto search_as = [](uid_t user, const Saved::Backend& backend) {
        int pipe[2] = {-1, -1};
        (void)::pipe(pipe);
        const pid_t searcher = ::fork();
        if (searcher == 0) {
            (void)::setresuid(user, user, user);
            const auto text = to_text(kill_by_token({backend}));
            (void)::write(pipe[1], text.data(), text.size());
            ::_exit(0);
        }
        char text[512] = {};
        const auto size = ::read(pipe[0], text, sizeof text);
        ::waitpid(searcher, nullptr, 0);
        ::close(pipe[0]);
        ::close(pipe[1]);
        return *parse_token_search({text, static_cast<std::size_t>(size)});
    };
    const Saved::Backend backend{
        .token = "no-such-token", .start_ticks = process_stat(child)->start_ticks, .uid = 65533};
    EXPECT_GT(search_as(65533, backend).hidden, 0);
    auto older = backend;
    older.start_ticks += 1;
    EXPECT_EQ(search_as(65533, older).hidden, 0) << "it was there before the backend";
    auto of_another = backend;
    of_another.uid = 65532;
    EXPECT_EQ(search_as(65533, of_another).hidden, 0) << "the backend ran as another user";
    EXPECT_EQ(search_as(0, backend).hidden, 0) << "root may look";
    EXPECT_TRUE(process_life(child, backend.start_ticks).alive());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
}

}  // namespace
}  // namespace warden
