#include "tests/system/warden_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "adapters/linux/clock.h"
#include "adapters/linux/spawn_names.h"
#include "tests/support/processes.h"
#include "warden/cgroup.h"
#include "warden/group.h"
#include "warden/proc.h"
#include "warden/state_file.h"

namespace tests {
namespace {

using namespace std::chrono_literals;
using test_support::pointers;

}  // namespace

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

bool lives(pid_t pid) { return pid > 0 && warden::start_ticks(pid).has_value(); }

std::string read_file(const std::string& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Bystander::Bystander(std::vector<std::string> env) {
    std::vector<std::string> command{"/bin/sleep", "600"};
    const auto argv = pointers(command);
    const auto envp = pointers(env);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::execve(argv.front(), argv.data(), envp.data());
        ::_exit(127);
    }
    // Before its exec it would still have the test's environment.
    (void)eventually(
        [this] { return read_file("/proc/" + std::to_string(pid_) + "/comm") == "sleep\n"; });
}

Bystander::~Bystander() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

NodeLink::NodeLink(int fd) : fd_{fd} {
    ucred who{};
    socklen_t size = sizeof who;
    ::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &who, &size);
    pid_ = who.pid;
}

NodeLink::~NodeLink() { ::close(fd_); }

std::string NodeLink::ask(const std::string& command) {
    if (::send(fd_, command.data(), command.size(), MSG_NOSIGNAL) < 0) return {};
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 10'000) <= 0) return {};
    char packet[4096];
    const auto got = ::recv(fd_, packet, sizeof packet, 0);
    return got > 0 ? std::string{packet, static_cast<std::size_t>(got)} : std::string{};
}

std::string NodeLink::view(const std::string& name) {
    std::istringstream words{ask("view")};
    for (std::string word; words >> word;)
        if (word.rfind(name + "=", 0) == 0) return word.substr(name.size() + 1);
    return {};
}

void WardenWorld::SetUp() {
    char name[] = "/tmp/warden_world_XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    ::chmod(name, 0711);  // no other user may list it
    listener_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strncpy(at.sun_path, path("ctl").c_str(), sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(::listen(listener_, 16), 0);
    // Without these, the tests of containment would not test anything.
    if (cgroup_) {
        const auto cgroup = warden::create_cgroup(warden::cgroup_name(path("lock")));
        ASSERT_TRUE(cgroup) << cgroup.error().message;
    }
}

void WardenWorld::TearDown() {
    if (warden_ > 0) {
        ::kill(warden_, SIGKILL);
        ::waitpid(warden_, nullptr, 0);
    }
    // The descendants of a backend whose warden is dead.
    const auto state = warden::load_state(path("state"));
    if (state && *state) {
        auto backends = (*state)->leftovers;
        if ((*state)->backend) backends.push_back(*(*state)->backend);
        if (!backends.empty()) (void)warden::kill_by_token(backends);
    }
    if (cgroup_) {
        const auto cgroup = *warden::create_cgroup(warden::cgroup_name(path("lock")));
        warden::kill_cgroup(cgroup);
        EXPECT_TRUE(eventually([&] { return warden::remove_cgroup(cgroup); })) << cgroup;
    }
    for (const auto* const file : {"child", "grandchild"})
        EXPECT_TRUE(eventually([&] { return !lives(pid_in(file)); })) << file;
    if (HasFailure()) std::fprintf(stderr, "--- the warden's log\n%s---\n", log().c_str());
    ::close(listener_);
    std::vector<std::string> command{"/bin/rm", "-rf", directory_};
    const auto argv = pointers(command);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execv(argv.front(), argv.data());
        ::_exit(127);
    }
    ::waitpid(pid, nullptr, 0);
}

std::vector<std::string> WardenWorld::files() const {
    return {"--state-dir", directory_, "--state-file", path("state")};
}

void WardenWorld::start_warden(const Start& start) {
    std::vector<std::string> command{WARDEN_PROGRAM};
    for (const auto& option : files())
        command.push_back(option);
    for (const auto* const option : {"--ttl-ms", "3000", "--margin-ms", "1000"})
        command.emplace_back(option);
    if (!cgroup_) command.insert(command.end(), {"--cgroup", "off"});
    const auto list = open_list(start.items);
    command.insert(command.end(), {"--list-fd", std::to_string(list)});
    if (!start.state_file.empty())
        command.insert(command.end(), {"--state-file", start.state_file});
    command.insert(command.end(), start.options.begin(), start.options.end());
    command.insert(
        command.end(),
        {"--", start.node_program.empty() ? FAKE_NODE_PROGRAM : start.node_program, directory_});
    command.insert(command.end(), start.node.begin(), start.node.end());
    const auto argv = pointers(command);
    const auto log_path = path("log");
    warden_ = ::fork();
    ASSERT_GE(warden_, 0);
    if (warden_ == 0) {
        const int out = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        if (start.in_child) start.in_child();
        ::execv(argv.front(), argv.data());
        ::_exit(127);
    }
    ::close(list);
}

int WardenWorld::open_list(std::vector<model::WardenItem> items) const {
    const auto script = path("backend");
    const auto as_nobody =
        adapters::linux_host::resolve({.command = {"sh", script},
                                       .dir = "/tmp",
                                       .env = {{"PATH", "/nowhere:/bin"}, {"ONLY", "this"}},
                                       .user = "nobody",
                                       .limits = {{"nofile", 77}, {"core", 0}}});
    EXPECT_TRUE(as_nobody) << as_nobody.error().message;
    items.insert(items.begin(), *as_nobody);
    items.insert(items.begin(), model::Spawn{.command = {"/bin/sh", script}, .dir = "/"});
    const auto bytes = model::encode(model::WardenList{.items = std::move(items)});
    EXPECT_TRUE(bytes) << bytes.error().message;
    const int fd = ::memfd_create("list", 0);
    EXPECT_EQ(::write(fd, bytes->data(), bytes->size()), static_cast<ssize_t>(bytes->size()));
    return fd;
}

std::unique_ptr<NodeLink> WardenWorld::next_node() {
    pollfd wait{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 15'000) <= 0) {
        ADD_FAILURE() << "no node process came\n" << log();
        throw std::runtime_error{"no node process came"};
    }
    return std::make_unique<NodeLink>(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
}

std::optional<int> WardenWorld::wait_warden(std::chrono::milliseconds limit) {
    int status = 0;
    const bool ended =
        eventually([&] { return ::waitpid(warden_, &status, WNOHANG) == warden_; }, limit);
    if (!ended) return {};
    warden_ = 0;
    return status;
}

std::pair<int, std::string> WardenWorld::run_warden(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{WARDEN_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto argv = pointers(command);
    int out[2] = {-1, -1};
    if (::pipe2(out, O_CLOEXEC) != 0) return {-1, "pipe"};
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(out[1], STDERR_FILENO);
        ::execv(argv.front(), argv.data());
        ::_exit(127);
    }
    ::close(out[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(out[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    ::close(out[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

pid_t WardenWorld::pid_in(const std::string& name) const {
    return std::atoi(read_file(path(name)).c_str());
}

std::string WardenWorld::family() const {
    return "(setsid sh -c 'echo $$ > " + path("grandchild") + "; exec sleep 600' &) ; echo $$ > " +
           path("child") + "; exec sleep 600";
}

model::Instant now() { return adapters::linux_host::Clock{}.now(); }

model::Instant strike_time(const std::string& held) {
    const auto until = std::stoll(held.substr(held.find('=') + 1));
    return model::Instant{model::Duration{until}} - std::chrono::milliseconds{500};
}

}  // namespace tests
