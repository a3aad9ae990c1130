#include "tests/support/net.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/processes.h"

namespace test_support {
namespace {

constexpr int client_number = 254;

std::string link_of(const std::string& file) {
    std::error_code ignored;
    return std::filesystem::read_symlink(file, ignored).string();
}

}  // namespace

Net::Net(int hosts) : home_{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)} {
    try {
        switch_ = hold();
        run(switch_,
            "ip link set lo up; "
            "ip link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0; "
            "ip link set br0 up");
        for (int host = 1; host <= hosts; ++host) {
            hosts_.push_back(hold());
            plug(hosts_.back(), "p" + std::to_string(host), host);
        }
        client_ = hold();
        plug(client_, "pc", client_number);
        const int inside = ::open(file(client_).c_str(), O_RDONLY | O_CLOEXEC);
        const bool entered = inside >= 0 && ::setns(inside, CLONE_NEWNET) == 0;
        if (inside >= 0) ::close(inside);
        if (!entered) throw std::runtime_error{"the client's namespace cannot be entered"};
    } catch (...) {
        end();
        throw;
    }
}

Net::~Net() { end(); }

void Net::end() {
    if (home_ >= 0) {
        (void)::setns(home_, CLONE_NEWNET);
        ::close(home_);
        home_ = -1;
    }
    hosts_.push_back(client_);
    hosts_.push_back(switch_);
    for (const auto holder : hosts_) {
        if (holder == 0) continue;
        ::kill(holder, SIGKILL);
        ::waitpid(holder, nullptr, 0);
    }
    hosts_.clear();
    client_ = switch_ = 0;
}

pid_t Net::hold() {
    const auto holder =
        spawn({"/usr/bin/unshare", "--net", "sleep", "infinity"}, {}, directory_.path() + "/log");
    const auto own = link_of("/proc/self/ns/net");
    const bool created =
        holder != 0 && eventually([&] {
            const auto theirs = link_of(file(holder));
            return !theirs.empty() && theirs != own && command_line(holder).rfind("sleep", 0) == 0;
        });
    if (!created) {
        throw std::runtime_error{"no network namespace (root is needed): " +
                                 read_text(directory_.path() + "/log")};
    }
    return holder;
}

std::string Net::file(pid_t holder) { return "/proc/" + std::to_string(holder) + "/ns/net"; }

std::string Net::run(pid_t holder, const std::string& script) {
    const TempDir directory;
    const auto log = directory.path() + "/log";
    const auto pid = spawn({"/usr/bin/nsenter",
                            "--net=" + file(holder),
                            "/bin/sh",
                            "-ec",
                            "PATH=/usr/sbin:/usr/bin:/sbin:/bin; " + script},
                           {},
                           log);
    int status = -1;
    if (pid == 0 || ::waitpid(pid, &status, 0) != pid || status != 0) {
        throw std::runtime_error{script + ": " + read_text(log)};
    }
    return read_text(log);
}

void Net::plug(pid_t holder, const std::string& port, int number) const {
    run(switch_,
        "ip link add " + port + " type veth peer name eth0 netns " + std::to_string(holder) +
            "; ip link set " + port + " master br0 up");
    run(holder,
        "ip link set lo up; ip addr add " + address(number) + "/24 dev eth0; ip addr add fd77::" +
            std::to_string(number) + "/64 dev eth0 nodad || echo no IPv6; ip link set eth0 up");
}

pid_t Net::holder_of(int host) const {
    return host == 0 ? client_ : hosts_.at(static_cast<std::size_t>(host - 1));
}

void Net::inside(int host, const std::function<void()>& what) const {
    const int there = ::open(file(holder_of(host)).c_str(), O_RDONLY | O_CLOEXEC);
    bool entered = false;
    std::thread{[&] {
        entered = there >= 0 && ::setns(there, CLONE_NEWNET) == 0;
        if (entered) what();
    }}.join();
    if (there >= 0) ::close(there);
    if (!entered) throw std::runtime_error{"a host's namespace cannot be entered"};
}

std::string Net::shell(int host, const std::string& script) const {
    return run(holder_of(host), script);
}

void Net::unplug(int host) const { run(switch_, "ip link set p" + std::to_string(host) + " down"); }

void Net::plug_in(int host) const { run(switch_, "ip link set p" + std::to_string(host) + " up"); }

std::vector<std::string> Net::on(int host, std::vector<std::string> command) const {
    command.insert(command.begin(), {"/usr/bin/nsenter", "--net=" + file(holder_of(host)), "--"});
    return command;
}

void Net::cut(int host) const {
    run(switch_, "ip link set p" + std::to_string(host) + " nomaster");
}

void Net::drop(const std::vector<std::string>& rules) const {
    std::string script =
        "add table bridge loss; delete table bridge loss; add table bridge loss; "
        "add chain bridge loss lost { type filter hook forward priority 0; }";
    for (const auto& rule : rules)
        script += "; add rule bridge loss lost " + rule + " drop";
    run(switch_, "nft '" + script + "'");
}

void Net::heal(int host) const {
    run(switch_, "ip link set p" + std::to_string(host) + " master br0");
}

}  // namespace test_support
