// The real warden where containment makes no difference: its files, its surroundings, what it
// watches.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "adapters/linux/files.h"
#include "tests/system/warden_world.h"
#include "warden/group.h"
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
    /// Of a backend of before. No other test's: whatever carries it is killed, wherever it runs.
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
    EXPECT_EQ(node->tell("hold 2000").substr(0, 2), "ok");
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
    EXPECT_NE(log().find("warden.state_unreadable"), std::string::npos);
}

TEST_F(WardenAlone, KillsANodeProcessThatSendsWhatIsNoRequest) {
    start_warden();
    auto node = next_node();
    (void)node->tell("garbage");
    auto next = next_node();
    EXPECT_NE(next->pid(), node->pid());
    EXPECT_EQ(next->tell("claim x"), "ok");
}

TEST_F(WardenAlone, EndsWithANodeProcessThatSaysItCannotHelp) {
    start_warden();
    (void)next_node()->tell("exit 78");
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
    EXPECT_EQ(node->tell("hold 3000").substr(0, 2), "ok");
    EXPECT_EQ(node->tell("start_as_nobody exit 3").substr(0, 2), "ok");
    EXPECT_TRUE(eventually([&] { return node->view("running") == "0"; }));

    ::chmod(folder_.c_str(), 0777);
    EXPECT_EQ(
        node->tell("start_as_nobody { cat /proc/self/status /proc/self/oom_score_adj; "
                   "cat /proc/$$/environ | tr '\\0' '\\n'; echo cwd=$(readlink /proc/$$/cwd); "
                   "echo nofile=$(ulimit -n) core=$(ulimit -c) umask=$(umask) "
                   "sched=$(cut -d' ' -f18,19,41 /proc/$$/stat) "
                   "session=$$/$(cut -d' ' -f5,6 /proc/$$/stat); "
                   "} > " +
                   path("slate.new") + "; mv " + path("slate.new") + " " + path("slate") +
                   "; exec sleep 600"),
        "ok");
    ASSERT_TRUE(eventually([&] { return !read_file(path("slate")).empty(); }));
    const auto slate = read_file(path("slate"));
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
    EXPECT_NE(slate.find("\n0\n"), std::string::npos);  // the OOM score that the test has
    EXPECT_EQ(line_of(slate, "ONLY="), "ONLY=this");
    EXPECT_EQ(line_of(slate, "HOME="), "");
    EXPECT_NE(line_of(slate, "CONVEX_WARDEN_TOKEN="), "");
    // What the shell had open for itself is gone with its exec.
    const auto backend = node->view("pid");
    ASSERT_TRUE(eventually([&] { return read_file("/proc/" + backend + "/comm") == "sleep\n"; }));
    // Its loader opens libraries for a moment; a descriptor of ours would stay.
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
    EXPECT_EQ(node->tell("env NOTIFY_SOCKET"), "unset");
    EXPECT_EQ(node->tell("env WATCHDOG_USEC"), "unset");
    ::kill(warden_, SIGTERM);
    std::string last;
    EXPECT_TRUE(eventually([&] { return (last = next()) == "STOPPING=1"; })) << last;
    EXPECT_EQ(wait_warden(), 0);
    ::close(socket);
}

// A unit's or a container's cgroup, which others start and stop.
class ForeignCgroup {
public:
    ForeignCgroup() {
        std::string why;
        path_ = warden::make_cgroup("warden-test-" + std::to_string(::getpid()), why);
        EXPECT_NE(path_, "") << why;
        remove();
    }
    ~ForeignCgroup() {
        warden::kill_group({.cgroup = path_});
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
    start_warden();
    auto node = next_node();
    const auto held = node->tell("hold 1500");
    ASSERT_EQ(held.substr(0, 2), "ok");
    // Armed before it is there (W0).
    ASSERT_EQ(node->tell("watch_cgroup " + unit.path()), "ok");
    unit.make();
    const Bystander first;
    unit.put(first.pid());
    EXPECT_TRUE(eventually([&] { return !lives(first.pid()); }));
    EXPECT_GE(now(), strike_time(held));
    EXPECT_LT(now(), strike_time(held) + 400ms);
    // A start that was already with systemd or an engine.
    const Bystander second;
    unit.put(second.pid());
    EXPECT_TRUE(eventually([&] { return !lives(second.pid()); }, 2s));
    // And in a cgroup that was made anew.
    EXPECT_TRUE(eventually([&] { return unit.remove(); }));
    unit.make();
    const Bystander third;
    unit.put(third.pid());
    EXPECT_TRUE(eventually([&] { return !lives(third.pid()); }, 2s));
    // Under a deadline it may live.
    auto next = next_node();
    ASSERT_EQ(next->tell("hold 3000").substr(0, 2), "ok");
    const Bystander fourth;
    unit.put(fourth.pid());
    EXPECT_FALSE(eventually([&] { return !lives(fourth.pid()); }, 300ms));
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

TEST_F(WardenAlone, RemovesTheAddressThatItWatchesAndKeepsItSo) {
    start_warden({.in_child = [] { (void)::unshare(CLONE_NEWNET); }});
    auto node = next_node();
    const auto has = [&](const std::string& address) {
        return ip_in(warden_, "-o addr show dev lo").find(" " + address) != std::string::npos;
    };
    const auto held = node->tell("hold 1500");
    ASSERT_EQ(held.substr(0, 2), "ok");
    for (const auto* const address : {"192.0.2.7/32", "2001:db8::7/128"}) {
        ASSERT_EQ(node->tell(std::string{"watch_address "} + address), "ok");
        ASSERT_EQ(ip_in(warden_, std::string{"addr add "} + address + " dev lo"), "");
    }
    ASSERT_EQ(ip_in(warden_, "addr add 192.0.2.8/32 dev lo"), "");
    ASSERT_TRUE(has("192.0.2.7/32") && has("2001:db8::7/128"));
    EXPECT_TRUE(eventually([&] { return !has("192.0.2.7/32") && !has("2001:db8::7/128"); }));
    EXPECT_GE(now(), strike_time(held));
    EXPECT_TRUE(has("192.0.2.8/32"));
    // A thawed holder's refresh makes it anew: test-hosts.md 2.
    ASSERT_EQ(ip_in(warden_, "addr replace 192.0.2.7/32 dev lo"), "");
    EXPECT_TRUE(eventually([&] { return !has("192.0.2.7/32"); }, 2s));
    auto next = next_node();
    ASSERT_EQ(next->tell("forget_address 192.0.2.7/32"), "ok");
    ASSERT_EQ(ip_in(warden_, "addr replace 192.0.2.7/32 dev lo"), "");
    EXPECT_FALSE(eventually([&] { return !has("192.0.2.7/32"); }, 300ms));
}

// A log that nobody reads must not hold up a strike.
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
    EXPECT_EQ(node->tell("hold 1000").substr(0, 2), "ok");
    EXPECT_TRUE(eventually([&] { return !lives(node->pid()); }, 3s));
    auto next = next_node();
    EXPECT_EQ(next->view("until"), "0");
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
}

TEST_F(WardenAlone, SleepsWhenNothingHappens) {
    start_warden();
    auto node = next_node();
    EXPECT_EQ(node->tell("hold 3000").substr(0, 2), "ok");
    const auto status_path = "/proc/" + std::to_string(warden_) + "/status";
    const auto switches = [&] {
        return line_of(read_file(status_path), "voluntary_ctxt_switches");
    };
    // Quiet once it was quiet for a while: what the answer above set off is over.
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
