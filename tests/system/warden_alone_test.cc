// The real warden, for cases in which containment makes no difference: its children, its
// environment, its signals.
#include "tests/system/warden_alone.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "adapters/linux/files.h"
#include "warden/cgroup.h"
#include "warden/proc.h"
#include "warden/state_file.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

TEST_F(WardenAlone, ASecondOneIsRefusedAndNamesTheFirst) {
    start_warden();
    auto node = next_node();
    auto arguments = files();
    arguments.insert(arguments.end(),
                     {"--ttl-ms", "3000", "--margin-ms", "1000", "--", "/bin/true"});
    const auto [status, text] = run_warden(arguments);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("pid " + std::to_string(warden_) + ","), std::string::npos) << text;
    EXPECT_NE(text.find("--help"), std::string::npos) << text;
    EXPECT_EQ(node->ask("set_deadline 2000").substr(0, 2), "ok");
}

TEST_F(WardenAlone, NeverKillsAReusedPid) {
    Bystander innocent;
    const auto ticks = warden::start_ticks(innocent.pid());
    ASSERT_TRUE(ticks);
    ASSERT_TRUE(warden::save_state(
        path("state"),
        {.boot_id = boot_id(),
         .backend = warden::Saved::Backend{
             .token = token_, .pid = innocent.pid(), .start_ticks = *ticks - 1}}));
    start_warden();
    auto node = next_node();
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_TRUE(lives(innocent.pid()));
}

TEST_F(WardenAlone, KillsWhatTheFileNames) {
    Bystander by_pid;
    Bystander by_token{{"CONVEX_WARDEN_TOKEN=" + token_}};
    Bystander other{{"CONVEX_WARDEN_TOKEN=" + token_ + "2"}};
    ASSERT_TRUE(warden::save_state(
        path("state"),
        {.boot_id = boot_id(),
         .backend = warden::Saved::Backend{.token = token_,
                                           .pid = by_pid.pid(),
                                           .start_ticks = *warden::start_ticks(by_pid.pid())}}));
    start_warden();
    EXPECT_TRUE(eventually([&] { return !lives(by_pid.pid()) && !lives(by_token.pid()); }));
    auto node = next_node();
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_TRUE(lives(other.pid()));
}

// A process that cannot be checked is not dead: the node process learns so, and nothing is started.
TEST_F(WardenAlone, TakesNothingForDeadThatItCannotCheck) {
    const auto nowhere = path("no-cgroup");
    ASSERT_TRUE(warden::save_state(
        path("state"),
        {.boot_id = boot_id(),
         .valid_until = now() + 3s,
         .backend = warden::Saved::Backend{.token = token_, .cgroup = nowhere}}));
    start_warden();
    auto node = next_node();
    EXPECT_TRUE(eventually([&] { return node->view("unknown") == "1"; }));
    EXPECT_EQ(node->view("running"), "1");
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start sleep 600").substr(0, 8), "conflict");
    EXPECT_TRUE(eventually([&] {
        return log().find("warden.death_unproven pid=0 reason=" + nowhere) != std::string::npos ||
               log().find("warden.death_unproven pid=0 reason=\"" + nowhere) != std::string::npos;
    })) << log();
    // That survives the warden's own death, until there is a proof: here an empty cgroup.
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    start_warden();
    node = next_node();
    EXPECT_TRUE(eventually([&] { return node->view("unknown") == "1"; }));
    ASSERT_EQ(::mkdir(nowhere.c_str(), 0755), 0);
    std::ofstream{nowhere + "/cgroup.events"} << "populated 0\n";
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->view("unknown"), "0");
    EXPECT_TRUE(eventually([&] { return log().find("warden.death_proven") != std::string::npos; }));
}

TEST_F(WardenAlone, RemovesTheCgroupOfAWardenThatWasKilledElsewhere) {
    const auto elsewhere = *warden::create_cgroup("warden-test-" + std::to_string(::getpid()));
    ASSERT_EQ(::mkdir((elsewhere + "/made-by-the-backend").c_str(), 0755), 0);
    const Bystander left;
    std::ofstream{elsewhere + "/made-by-the-backend/cgroup.procs"} << left.pid();
    ASSERT_TRUE(warden::save_state(
        path("state"),
        {.boot_id = boot_id(),
         .backend = warden::Saved::Backend{.token = token_, .cgroup = elsewhere}}));
    start_warden();
    auto node = next_node();
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_FALSE(lives(left.pid()));
    EXPECT_FALSE(std::filesystem::exists(elsewhere));
}

// A child of the shell that then became the daemon is not part of the backend.
TEST_F(WardenAlone, LeavesAloneWhatWasItsChildBeforeItWasTheWarden) {
    start_warden({.in_child = [this] {
        const auto pid = ::fork();
        if (pid == 0) {
            ::execl("/bin/sh", "sh", "-c", ("exec sleep 600 > " + path("before")).c_str(), nullptr);
            ::_exit(127);
        }
        std::ofstream{path("stranger")} << pid;
    }});
    auto node = next_node();
    ASSERT_EQ(node->ask("set_deadline 1200").substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start sleep 600"), "ok");
    const auto backend = std::stoi(node->view("pid"));
    EXPECT_TRUE(eventually([&] { return !lives(backend) && !lives(node->pid()); }));
    auto next = next_node();
    EXPECT_TRUE(eventually([&] { return next->view("running") == "0"; }));
    EXPECT_TRUE(lives(pid_in("stranger")));
    ::kill(pid_in("stranger"), SIGKILL);
}

TEST_F(WardenAlone, ReapsWhatTheBackendOrphaned) {
    start_warden();
    auto node = next_node();
    ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start (sh -c 'echo $$ > " + path("grandchild") +
                        "; sleep 0.1' &); exec sleep 600"),
              "ok");
    ASSERT_TRUE(eventually([&] { return pid_in("grandchild") > 0; }));
    const auto entry = "/proc/" + std::to_string(pid_in("grandchild"));
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(entry); }));
    EXPECT_EQ(node->view("running"), "1");
}

TEST_F(WardenAlone, IgnoresTheFileOfAnotherBoot) {
    Bystander innocent{{"CONVEX_WARDEN_TOKEN=" + token_}};
    ASSERT_TRUE(warden::save_state(
        path("state"),
        {.boot_id = "another",
         .valid_until = now() + 3s,
         .incarnation = "n1-abc",
         .backend = warden::Saved::Backend{.token = token_,
                                           .pid = innocent.pid(),
                                           .start_ticks = *warden::start_ticks(innocent.pid())}}));
    start_warden();
    auto node = next_node();
    EXPECT_EQ(node->view("until"), "0");
    EXPECT_EQ(node->view("running"), "0");
    EXPECT_EQ(node->view("incarnation"), "");
    EXPECT_TRUE(lives(innocent.pid()));
}

TEST_F(WardenAlone, GoesOnWithADamagedFileAndSaysSo) {
    std::ofstream{path("state")} << "damaged";
    start_warden();
    EXPECT_EQ(next_node()->view("until"), "0");
    EXPECT_TRUE(
        eventually([&] { return log().find("warden.state_unreadable") != std::string::npos; }));
}

TEST_F(WardenAlone, KillsANodeProcessThatSendsWhatIsNoRequest) {
    start_warden();
    auto node = next_node();
    (void)node->ask("garbage");
    auto next = next_node();
    EXPECT_NE(next->pid(), node->pid());
    EXPECT_EQ(next->ask("claim x"), "ok");
}

TEST_F(WardenAlone, EndsWithANodeProcessThatSaysItCannotHelp) {
    start_warden();
    (void)next_node()->ask("exit 78");
    EXPECT_EQ(wait_warden(), 78 << 8);
}

TEST_F(WardenAlone, SaysThatTheNodesProgramIsNotThere) {
    start_warden({.node_program = "/no/such/node"});
    EXPECT_TRUE(eventually([&] {
        return log().find("node.spawn_failed reason=\"exec: No such file or directory\"") !=
               std::string::npos;
    })) << log();
    ::kill(warden_, SIGTERM);
    EXPECT_TRUE(wait_warden());
}

TEST_F(WardenAlone, GivesChildrenACleanSlate) {
    start_warden({.in_child = [] {
        ::signal(SIGUSR2, SIG_IGN);
        ::signal(SIGPIPE, SIG_IGN);
        sigset_t some;
        ::sigemptyset(&some);
        ::sigaddset(&some, SIGINT);
        ::sigprocmask(SIG_BLOCK, &some, nullptr);
        ::setpriority(PRIO_PROCESS, 0, 7);
        (void)::dup2(STDERR_FILENO, 33);
        (void)::umask(0777);
    }});
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->ask("start_as_nobody exit 3").substr(0, 2), "ok");
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));

    ASSERT_EQ(::mkdir(path("for-all").c_str(), 0755), 0);
    ::chmod(path("for-all").c_str(), 0777);
    EXPECT_EQ(node->ask("start_as_nobody { cat /proc/self/status /proc/self/oom_score_adj; "
                        "cat /proc/$$/environ | tr '\\0' '\\n'; echo cwd=$(readlink /proc/$$/cwd); "
                        "echo nofile=$(ulimit -n) core=$(ulimit -c) umask=$(umask) "
                        "sched=$(cut -d' ' -f18,19,41 /proc/$$/stat) "
                        "session=$$/$(cut -d' ' -f5,6 /proc/$$/stat); "
                        "} > " +
                        path("for-all/slate.new") + "; mv " + path("for-all/slate.new") + " " +
                        path("for-all/slate") + "; exec sleep 600"),
              "ok");
    ASSERT_TRUE(eventually([&] { return !read_file(path("for-all/slate")).empty(); }));
    const auto slate = read_file(path("for-all/slate"));
    const std::string none = "0000000000000000";
    EXPECT_EQ(line_of(slate, "SigBlk"), "SigBlk:\t" + none);
    EXPECT_EQ(line_of(slate, "SigIgn"), "SigIgn:\t" + none);
    EXPECT_EQ(line_of(slate, "CapEff"), "CapEff:\t" + none);
    EXPECT_EQ(line_of(slate, "CapAmb"), "CapAmb:\t" + none);
    EXPECT_EQ(line_of(slate, "Uid"), "Uid:\t65534\t65534\t65534\t65534");
    EXPECT_EQ(line_of(slate, "Gid"), "Gid:\t65534\t65534\t65534\t65534");
    EXPECT_EQ(line_of(slate, "Groups"), "Groups:\t65534 ");
    EXPECT_EQ(line_of(slate, "cwd="), "cwd=/tmp");
    // Priority 20 is nice 0; policy 0 is SCHED_OTHER.
    EXPECT_EQ(line_of(slate, "nofile="),
              "nofile=77 core=0 umask=0022 sched=20 0 0 session=" + node->view("pid") + "/" +
                  node->view("pid") + " " + node->view("pid"));
    EXPECT_NE(slate.find("\n0\n"), std::string::npos);  // the OOM score of the test process
    EXPECT_EQ(line_of(slate, "ONLY="), "ONLY=this");
    EXPECT_EQ(line_of(slate, "HOME="), "");
    EXPECT_NE(line_of(slate, "CONVEX_WARDEN_TOKEN="), "");
    // The shell's own descriptors are closed by its exec.
    const auto backend = node->view("pid");
    ASSERT_TRUE(eventually([&] { return read_file("/proc/" + backend + "/comm") == "sleep\n"; }));
    // Its dynamic loader opens libraries for a moment; a descriptor of ours would stay.
    EXPECT_TRUE(eventually([&] {
        return *adapters::linux_host::Files{}.list("/proc/" + backend + "/fd") ==
               std::vector<std::string>{"0", "1", "2"};
    }));

    const auto of_node = read_file("/proc/" + std::to_string(node->pid()) + "/status");
    EXPECT_EQ(line_of(of_node, "SigIgn"), "SigIgn:\t" + none);
    EXPECT_EQ(line_of(of_node, "SigBlk"), "SigBlk:\t" + none);
    EXPECT_EQ(read_file("/proc/" + std::to_string(node->pid()) + "/oom_score_adj"),
              read_file("/proc/self/oom_score_adj"));
    EXPECT_EQ(::sched_getscheduler(node->pid()), SCHED_OTHER);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(node->pid())), 0);
}

// The log's reader ends, a user presses Ctrl-Z or closes the terminal: none of these may stop the
// warden, because the backend would go on alone or die with it.
TEST_F(WardenAlone, NoSignalButThoseItTakesEndsOrStopsIt) {
    start_warden({.in_child = [] { ::signal(SIGCHLD, SIG_IGN); }});
    auto node = next_node();
    const auto held = node->ask("set_deadline 3000");
    ASSERT_EQ(held.substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start sleep 600"), "ok");
    const auto backend = std::stoi(node->view("pid"));
    for (int number = 1; number < NSIG; ++number) {
        const bool taken = number == SIGTERM || number == SIGINT || number == SIGUSR1;
        if (taken || number == SIGKILL || number == SIGSTOP) continue;
#if defined(__SANITIZE_ADDRESS__)  // it reports them and exits
        if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGABRT)
            continue;
#endif
        ASSERT_EQ(::kill(warden_, number), 0);
        ASSERT_NE(node->ask("set_deadline 3000"), "") << "after signal " << number;
    }
    EXPECT_TRUE(lives(node->pid()) && lives(backend));
    // It still works: the strike comes, and is reported.
    EXPECT_EQ(node->ask("set_deadline 1000").substr(0, 2), "ok");
    EXPECT_TRUE(eventually([&] { return !lives(backend) && !lives(node->pid()); }, 3s));
    EXPECT_TRUE(eventually([&] { return next_node()->view("running") == "0"; }));
}

TEST_F(WardenAlone, TalksToSystemdAndItsChildrenDoNot) {
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    const auto name = path("notify");
    std::strncpy(at.sun_path, name.c_str(), sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const auto next = [socket] {
        char text[64];
        const auto got = ::recv(socket, text, sizeof text, 0);
        return got > 0 ? std::string{text, static_cast<std::size_t>(got)} : std::string{};
    };
    start_warden({.node = {"orderly"}, .in_child = [&] {
                      ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
                      ::setenv("WATCHDOG_USEC", "100000", 1);
                      ::unsetenv("WATCHDOG_PID");
                  }});
    auto node = next_node();
    EXPECT_EQ(next(), "READY=1");
    EXPECT_EQ(next(), "WATCHDOG=1");
    const auto before = now();
    EXPECT_EQ(next(), "WATCHDOG=1");
    EXPECT_EQ(next(), "WATCHDOG=1");
    EXPECT_LT(now(), before + 1s);
    EXPECT_EQ(node->ask("env NOTIFY_SOCKET"), "unset");
    EXPECT_EQ(node->ask("env WATCHDOG_USEC"), "unset");
    ::kill(warden_, SIGTERM);
    std::string last;
    EXPECT_TRUE(eventually([&] { return (last = next()) == "STOPPING=1"; })) << last;
    EXPECT_EQ(wait_warden(), 0);
    ::close(socket);
}

TEST_F(WardenAlone, GivesTheNodeProcessAllDescriptorsThatItMay) {
    start_warden({.in_child = [] {
        const rlimit some{.rlim_cur = 64, .rlim_max = 4096};
        ::setrlimit(RLIMIT_NOFILE, &some);
    }});
    auto node = next_node();
    rlimit limit{};
    ASSERT_EQ(::prlimit(node->pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, 4096U);
    ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start sleep 600"), "ok");
    ASSERT_EQ(::prlimit(std::stoi(node->view("pid")), RLIMIT_NOFILE, nullptr, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, 64U) << "the backend's is its own";
}

// A log without a reader must not delay a strike.
TEST_F(WardenAlone, StrikesThoughNobodyReadsItsLog) {
    int pipe_fds[2] = {-1, -1};
    ASSERT_EQ(::pipe2(pipe_fds, O_CLOEXEC), 0);
    ASSERT_EQ(::fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK), 0);
    const std::string filler(4096, 'x');
    while (::write(pipe_fds[1], filler.data(), filler.size()) > 0) {
    }
    ASSERT_EQ(::fcntl(pipe_fds[1], F_SETFL, 0), 0);
    start_warden({.in_child = [&] { ::dup2(pipe_fds[1], STDERR_FILENO); }});
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 1000").substr(0, 2), "ok");
    EXPECT_TRUE(eventually([&] { return !lives(node->pid()); }, 3s));
    auto next = next_node();
    EXPECT_EQ(next->view("until"), "0");
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
}

TEST_F(WardenAlone, SleepsWhenNothingHappens) {
    start_warden();
    auto node = next_node();
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    const auto status_path = "/proc/" + std::to_string(warden_) + "/status";
    const auto switches = [&] {
        return line_of(read_file(status_path), "voluntary_ctxt_switches");
    };
    // Wait for a quiet period first: the effects of the request above are over.
    auto before = switches();
    ASSERT_TRUE(eventually([&] {
        std::this_thread::sleep_for(50ms);
        return std::exchange(before, switches()) == before;
    }));
    std::this_thread::sleep_for(1s);  // the time that is measured
    EXPECT_EQ(switches(), before);
    std::printf("%s\n%s\n%s\n",
                line_of(read_file(status_path), "VmRSS").c_str(),
                line_of(read_file(status_path), "VmLck").c_str(),
                line_of(read_file(status_path), "Threads").c_str());
#if !defined(__SANITIZE_ADDRESS__)
    const auto rss = std::stol(line_of(read_file(status_path), "VmRSS").substr(6));
    EXPECT_LT(rss, 5000);
    EXPECT_EQ(::sched_getscheduler(warden_) & ~SCHED_RESET_ON_FORK, SCHED_FIFO);
#endif
}

}  // namespace
}  // namespace tests
