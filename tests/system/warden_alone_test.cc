// The real warden, for cases in which containment makes no difference: its files, its environment,
// its targets.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "adapters/linux/files.h"
#include "tests/system/warden_world.h"
#include "warden/cgroup.h"
#include "warden/proc.h"
#include "warden/state_file.h"

namespace tests {
namespace {

using namespace std::chrono_literals;

std::string line_of(const std::string& text, const std::string& start) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        if (line.rfind(start, 0) == 0) return line;
    return {};
}

std::string boot_id() {
    auto id = read_file("/proc/sys/kernel/random/boot_id");
    return id.substr(0, id.find('\n'));
}

class WardenAlone : public WardenWorld {
protected:
    /// Line of the lock file. 0: the pid; 1: the path of the state file.
    [[nodiscard]] std::string lock_line(int number) const {
        std::istringstream lines{read_file(path("lock"))};
        std::string line;
        for (int i = 0; i <= number; ++i)
            std::getline(lines, line);
        return line;
    }
    /// Token of an earlier backend, unique to this test: whatever has it is killed, wherever it
    /// runs.
    const std::string token_ = "old-" + std::to_string(::getpid()) + "-1";
};

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

// A cgroup of a unit or a container, which others start and stop.
class ForeignCgroup {
public:
    ForeignCgroup() {
        path_ = *warden::create_cgroup("warden-test-" + std::to_string(::getpid()));
        remove();
    }
    ~ForeignCgroup() {
        warden::kill_cgroup(path_);
        EXPECT_TRUE(eventually([&] { return remove(); }));
    }
    ForeignCgroup(const ForeignCgroup&) = delete;
    ForeignCgroup& operator=(const ForeignCgroup&) = delete;
    void make() { EXPECT_EQ(::mkdir(path_.c_str(), 0755), 0); }
    bool remove() { return ::rmdir(path_.c_str()) == 0 || errno == ENOENT; }
    void put(pid_t pid) { std::ofstream{path_ + "/cgroup.procs"} << pid; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

TEST_F(WardenAlone, KillsTheUnitThatItWatchesAndKeepsItSo) {
    ForeignCgroup unit;
    start_warden({.items = {model::WardenTarget{.name = unit.path()}}});
    auto node = next_node();
    const auto held = node->ask("set_deadline 1500");
    ASSERT_EQ(held.substr(0, 2), "ok");
    // Registered before it exists (W0).
    ASSERT_EQ(node->ask("register 2"), "ok");
    unit.make();
    const Bystander first;
    unit.put(first.pid());
    EXPECT_TRUE(eventually([&] { return !lives(first.pid()); }));
    EXPECT_GE(now(), strike_time(held));
    EXPECT_LT(now(), strike_time(held) + 400ms);
    // A start that was already queued in systemd or an engine.
    const Bystander second;
    unit.put(second.pid());
    EXPECT_TRUE(eventually([&] { return !lives(second.pid()); }, 2s));
    // Also in a cgroup that was recreated.
    EXPECT_TRUE(eventually([&] { return unit.remove(); }));
    unit.make();
    const Bystander third;
    unit.put(third.pid());
    EXPECT_TRUE(eventually([&] { return !lives(third.pid()); }, 2s));
    // Under a deadline it may live.
    auto next = next_node();
    ASSERT_EQ(next->ask("set_deadline 3000").substr(0, 2), "ok");
    const Bystander fourth;
    unit.put(fourth.pid());
    EXPECT_FALSE(eventually([&] { return !lives(fourth.pid()); }, 300ms));
}

// The second line of the lock in stateDir names the state file: it is used however the next daemon
// is started.
TEST_F(WardenAlone, EnforcesTheFileThatTheLockNamesToo) {
    ASSERT_EQ(::mkdir(path("run").c_str(), 0700), 0);
    start_warden({.state_file = path("run/state")});
    auto node = next_node();
    EXPECT_EQ(node->ask("claim n1-abc"), "ok");
    ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start " + family()), "ok");
    ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
    const auto until = node->view("until");
    EXPECT_EQ(lock_line(1), path("run/state"));
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    // Started by hand, without a cgroup, and with another state file.
    cgroup_ = false;
    start_warden();
    node = next_node();
    EXPECT_TRUE(eventually([&] { return !lives(pid_in("grandchild")); }));
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));
    EXPECT_EQ(node->view("until"), until);
    EXPECT_EQ(node->view("incarnation"), "n1-abc");
    EXPECT_EQ(lock_line(0), std::to_string(warden_));
    EXPECT_EQ(lock_line(1), path("state"));
    EXPECT_FALSE(std::filesystem::exists(path("run/state"))) << "all of it is in the new one";
    cgroup_ = true;
}

// A copied stateDir: the state file that its lock names belongs to another warden, which runs.
TEST_F(WardenAlone, LeavesAloneWhatAnotherWardenHolds) {
    start_warden();
    auto node = next_node();
    ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    ASSERT_EQ(node->ask("start sleep 600"), "ok");
    const auto backend = std::stoi(node->view("pid"));
    const auto first = warden_;
    ASSERT_EQ(::mkdir(path("copy").c_str(), 0700), 0);
    std::filesystem::copy_file(path("lock"), path("copy/lock"));
    start_warden({.options = {"--state-dir", path("copy"), "--cgroup", "off"},
                  .state_file = path("copy/state")});
    auto other = next_node();
    EXPECT_EQ(other->view("running"), "0");
    EXPECT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
    EXPECT_TRUE(lives(backend));
    EXPECT_TRUE(std::filesystem::exists(path("state")));
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    // Its file is not used by a second warden, either.
    const auto [status, text] = run_warden({"--state-dir",
                                            path("copy"),
                                            "--state-file",
                                            path("state"),
                                            "--ttl-ms",
                                            "3000",
                                            "--margin-ms",
                                            "1000",
                                            "--",
                                            "/bin/true"});
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("uses the state file"), std::string::npos) << text;
    warden_ = first;
}

TEST_F(WardenAlone, ASecondOneOnTheSameDatabaseIsRefused) {
    const auto database = path("app.db");
    start_warden({.options = {"--data-path", database}});
    auto node = next_node();
    ASSERT_EQ(::mkdir(path("other").c_str(), 0700), 0);
    std::vector<std::string> arguments{"--state-dir",
                                       path("other"),
                                       "--state-file",
                                       path("other/state"),
                                       "--data-path",
                                       database,
                                       "--ttl-ms",
                                       "3000",
                                       "--margin-ms",
                                       "1000",
                                       "--cgroup",
                                       "off",
                                       "--",
                                       "/bin/true"};
    const auto [status, text] = run_warden(arguments);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("pid " + std::to_string(warden_) + ")"), std::string::npos) << text;
    EXPECT_NE(text.find(database + ".daemon-lock"), std::string::npos) << text;
    EXPECT_EQ(node->ask("set_deadline 2000").substr(0, 2), "ok");
    // The lock belongs to the process and is released when it dies.
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    arguments.back() = "/bin/false";
    arguments.insert(arguments.end() - 2, {"--stop-timeout-ms", "1000"});
    start_warden({.options = {"--data-path", database}});
    EXPECT_NE(next_node()->view("until"), "");
}

TEST_F(WardenAlone, DoesNotRunWhereOthersCouldWriteItsFile) {
    ASSERT_EQ(::mkdir(path("open").c_str(), 0700), 0);
    ::chmod(path("open").c_str(), 0777);
    auto arguments = files();
    arguments.insert(
        arguments.end(),
        {"--state-file", path("open/state"), "--ttl-ms", "3000", "--margin-ms", "1000", "--"});
    arguments.emplace_back("/bin/true");
    const auto [status, text] = run_warden(arguments);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("others can write to it"), std::string::npos) << text;
}

TEST_F(WardenAlone, AForgedFileKillsNobodyAndAFifoHoldsNothingUp) {
    Bystander innocent;
    const auto forge = [&] {
        ASSERT_TRUE(warden::save_state(path("state"),
                                       {.boot_id = boot_id(),
                                        .backend = warden::Saved::Backend{
                                            .token = token_,
                                            .pid = innocent.pid(),
                                            .start_ticks = *warden::start_ticks(innocent.pid())}}));
    };
    forge();
    ASSERT_EQ(::chown(path("state").c_str(), 65534, 65534), 0);
    start_warden();
    EXPECT_EQ(next_node()->view("running"), "0");
    EXPECT_TRUE(
        eventually([&] { return log().find("warden.state_unreadable") != std::string::npos; }));
    EXPECT_TRUE(lives(innocent.pid()));
    ::kill(warden_, SIGKILL);
    ASSERT_TRUE(wait_warden());
    std::filesystem::remove(path("state"));
    ASSERT_EQ(::mkfifo(path("state").c_str(), 0600), 0);
    start_warden();
    EXPECT_EQ(next_node()->view("running"), "0");
}

// As user nobody, with few rights; a command run by root works all the same.
TEST_F(WardenAlone, RootStrikesForAnotherUsersDaemon) {
    for (const auto& each : {directory_, path("ctl")})
        ASSERT_EQ(::chown(each.c_str(), 65534, 65534), 0);
    for (const bool alive : {true, false}) {
        start_warden({.in_child = [] {
            (void)::setresgid(65534, 65534, 65534);
            (void)::setresuid(65534, 65534, 65534);
        }});
        auto node = next_node();
        ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
        ASSERT_EQ(node->ask("start " + family()), "ok");
        ASSERT_TRUE(eventually([&] { return lives(pid_in("grandchild")); }));
        if (!alive) {
            ::kill(warden_, SIGKILL);
            ASSERT_TRUE(wait_warden());
        }
        EXPECT_EQ(run_warden({"--strike-only",
                              "--state-dir",
                              directory_,
                              "--state-file",
                              "/dev/shm/no-such-directory/state"}),
                  (std::pair<int, std::string>{0, ""}));
        EXPECT_FALSE(lives(pid_in("grandchild")));
        if (!alive) continue;
        EXPECT_EQ(next_node()->view("until"), "0");
        ::kill(warden_, SIGKILL);
        ASSERT_TRUE(wait_warden());
        for (const auto* const name : {"child", "grandchild"})
            std::filesystem::remove(path(name));
    }
    for (const auto& each : {directory_, path("ctl")})
        ASSERT_EQ(::chown(each.c_str(), 0, 0), 0);
    std::filesystem::remove(path("state"));
}

TEST_F(WardenAlone, AStrikeThatCannotProveDeathFailsAndLeavesNoLock) {
    auto arguments = files();
    arguments.emplace_back("--strike-only");
    EXPECT_EQ(run_warden(arguments), (std::pair<int, std::string>{0, ""})) << "there is nothing";
    EXPECT_FALSE(std::filesystem::exists(path("lock")));
    std::ofstream{path("state")} << "damaged";
    const auto [status, text] = run_warden(arguments);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("damaged"), std::string::npos) << text;
}

// Runs `ip` in the network namespace of a process.
std::string ip_in(pid_t pid, const std::string& arguments) {
    const auto command =
        "nsenter --net=/proc/" + std::to_string(pid) + "/ns/net ip " + arguments + " 2>&1";
    FILE* const out = ::popen(command.c_str(), "r");
    std::string text;
    char buffer[512];
    while (std::fgets(buffer, sizeof buffer, out) != nullptr)
        text += buffer;
    ::pclose(out);
    return text;
}

// As the node process binds one.
constexpr const char* finite = " valid_lft 60 preferred_lft 60";

model::WardenTarget address_on_lo(const std::string& name) {
    return {.kind = model::WardenTarget::Kind::address, .name = name, .interface = "lo"};
}

TEST_F(WardenAlone, RemovesTheAddressThatItWatchesAndKeepsItSo) {
    // The third one is on an interface that does not exist, and so does not have the address.
    start_warden({.in_child = [] { (void)::unshare(CLONE_NEWNET); },
                  .items = {address_on_lo("192.0.2.7/32"),
                            address_on_lo("2001:db8::7/128"),
                            model::WardenTarget{.kind = model::WardenTarget::Kind::address,
                                                .name = "192.0.2.9/32",
                                                .interface = "absent0"},
                            address_on_lo("192.0.2.10/32"),
                            address_on_lo("2001:db8::10/128")}});
    auto node = next_node();
    const auto has = [&](const std::string& address) {
        return ip_in(warden_, "-o addr show dev lo").find(" " + address) != std::string::npos;
    };
    const auto held = node->ask("set_deadline 1500");
    ASSERT_EQ(held.substr(0, 2), "ok");
    for (const auto* const entry : {"2", "3", "4", "5", "6"})
        ASSERT_EQ(node->ask(std::string{"register "} + entry), "ok");
    for (const auto* const address : {"192.0.2.7/32", "2001:db8::7/128", "192.0.2.8/32"})
        ASSERT_EQ(ip_in(warden_, std::string{"addr add "} + address + " dev lo" + finite), "");
    // Nobody but this host itself binds one without an end.
    for (const auto* const address : {"192.0.2.10/32", "2001:db8::10/128"})
        ASSERT_EQ(ip_in(warden_, std::string{"addr add "} + address + " dev lo"), "");
    ASSERT_TRUE(has("192.0.2.7/32") && has("2001:db8::7/128"));
    EXPECT_TRUE(eventually([&] { return !has("192.0.2.7/32") && !has("2001:db8::7/128"); }));
    EXPECT_GE(now(), strike_time(held));
    EXPECT_TRUE(has("192.0.2.8/32"));
    EXPECT_TRUE(has("192.0.2.10/32") && has("2001:db8::10/128"));
    // Nor with another prefix, which the kernel compares only where it is asked to.
    ASSERT_EQ(ip_in(warden_, "addr add 192.0.2.7/24 dev lo"), "");
    // A thawed holder adds its address again: test-hosts.md 2.
    ASSERT_EQ(ip_in(warden_, std::string{"addr replace 192.0.2.7/32 dev lo"} + finite), "");
    EXPECT_TRUE(eventually([&] { return !has("192.0.2.7/32"); }, 2s));
    EXPECT_TRUE(has("192.0.2.7/24"));
    EXPECT_EQ(log().find("warden.target_stuck"), std::string::npos) << log();
    auto next = next_node();
    ASSERT_EQ(next->ask("unregister 2"), "ok");
    ASSERT_EQ(ip_in(warden_, std::string{"addr replace 192.0.2.7/32 dev lo"} + finite), "");
    EXPECT_FALSE(eventually([&] { return !has("192.0.2.7/32"); }, 300ms));
}

TEST_F(WardenAlone, StrikeOnlyTakesTheAddressesOffToo) {
    // In the network namespace of the command.
    const int before = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    for (const bool alive : {true, false}) {
        start_warden({.items = {address_on_lo("192.0.2.7/32")}});
        auto node = next_node();
        ASSERT_EQ(node->ask("set_deadline 3000").substr(0, 2), "ok");
        ASSERT_EQ(node->ask("register 2"), "ok");
        const auto has = [&] {
            return ip_in(::getpid(), "-o addr show dev lo").find(" 192.0.2.7/32") !=
                   std::string::npos;
        };
        ASSERT_EQ(ip_in(::getpid(), std::string{"addr add 192.0.2.7/32 dev lo"} + finite), "");
        ASSERT_TRUE(has());
        if (!alive) {
            ::kill(warden_, SIGKILL);
            ASSERT_TRUE(wait_warden());
        }
        auto arguments = files();
        arguments.emplace_back("--strike-only");
        EXPECT_EQ(run_warden(arguments), (std::pair<int, std::string>{0, ""}));
        EXPECT_FALSE(has());
        if (!alive) continue;
        EXPECT_EQ(next_node()->view("until"), "0");
        ::kill(warden_, SIGKILL);
        ASSERT_TRUE(wait_warden());
    }
    ASSERT_EQ(::setns(before, CLONE_NEWNET), 0);
    ::close(before);
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
