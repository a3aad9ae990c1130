#include "tests/support/systemd_host.h"

#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/processes.h"

namespace test_support {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string cgroup2_mount() {
    std::ifstream mounts{"/proc/self/mounts"};
    std::string device;
    std::string path;
    std::string type;
    std::string rest;
    while (mounts >> device >> path >> type && std::getline(mounts, rest))
        if (type == "cgroup2") return path;
    throw std::runtime_error{"no cgroup2 is mounted"};
}

void write_text(const std::string& path, const std::string& text) {
    std::ofstream file{path};
    file << text;
    file.flush();
    if (!file) throw std::runtime_error{path + " cannot be written"};
}

// Subgroups first, as the kernel wants it.
void remove_tree(const std::string& cgroup) {
    std::error_code ignored;
    for (const auto& each : fs::directory_iterator{cgroup, ignored})
        if (each.is_directory(ignored)) remove_tree(each.path().string());
    fs::remove(cgroup, ignored);
}

}  // namespace

SystemdHost::SystemdHost() : SystemdHost{Options{}} {}

SystemdHost::SystemdHost(Options options)
    : options_{std::move(options)},
      cgroup_{cgroup2_mount() + "/cm-" + fs::path{directory_.path()}.filename().string()} {
    try {
        power_on();
    } catch (...) {
        power_off();
        throw;
    }
}

SystemdHost::~SystemdHost() { power_off(); }

void SystemdHost::power_on() {
    auto command = options_.network;
    if (command.empty()) command = {"/usr/bin/unshare", "--net", "--"};
    command.insert(command.end(),
                   {"/bin/bash",
                    SUPPORT_DIRECTORY "/systemd_host.sh",
                    fs::path{cgroup_}.filename().string(),
                    directory_.path()});
    command.insert(command.end(), options_.binds.begin(), options_.binds.end());
    starter_ = spawn(command, {}, directory_.path() + "/starter.log");
    const auto up = [this] {
        init_ = std::atoi(read_text(cgroup_ + "/init.scope/cgroup.procs").c_str());
        return init_ > 0 || !lives(starter_);
    };
    if (starter_ == 0 || !eventually(up, 20s) || init_ == 0)
        throw std::runtime_error{"no systemd host (root, cgroup2 and overlayfs are needed): " +
                                 read_text(directory_.path() + "/starter.log") +
                                 read_text(directory_.path() + "/console.log")};
    std::string state;
    const bool running = eventually(
        [&] {
            state = run("systemctl is-system-running").output;
            return state == "running\n" || state == "degraded\n";
        },
        20s);
    if (!running)
        throw std::runtime_error{"a systemd host does not come up: " + state +
                                 read_text(directory_.path() + "/console.log")};
}

void SystemdHost::power_off() {
    if (starter_ == 0) return;
    freeze(false);
    std::ofstream{cgroup_ + "/cgroup.kill"} << "1";
    ::waitpid(starter_, nullptr, 0);
    starter_ = init_ = 0;
    (void)eventually([this] {
        const auto events = read_text(cgroup_ + "/cgroup.events");
        return events.empty() || events.find("populated 0") != std::string::npos;
    });
    remove_tree(cgroup_);
}

void SystemdHost::freeze(bool on) const {
    std::ofstream{cgroup_ + "/cgroup.freeze"} << (on ? "1" : "0");
    if (on)
        (void)eventually([this] {
            return read_text(cgroup_ + "/cgroup.events").find("frozen 1") != std::string::npos;
        });
}

std::string SystemdHost::bus() const {
    return "unix:path=" + directory_.path() + "/bus/system_bus_socket";
}

std::string SystemdHost::outside(const std::string& path) const {
    return "/proc/" + std::to_string(init_) + "/root" + path;
}

void SystemdHost::write_unit(const std::string& name, const std::string& text) const {
    write_text(directory_.path() + "/units/" + name, text);
    must_run("systemctl daemon-reload");
}

void SystemdHost::remove_unit(const std::string& name) const {
    fs::remove(directory_.path() + "/units/" + name);
    must_run("systemctl daemon-reload");
}

SystemdHost::Ran SystemdHost::run(const std::string& command) const {
    const TempDir directory;
    const auto log = directory.path() + "/output";
    const auto pid = spawn({"/usr/bin/nsenter",
                            "--target=" + std::to_string(init_),
                            "--mount",
                            "--uts",
                            "--ipc",
                            "--net",
                            "--pid",
                            "--cgroup",
                            "--",
                            "/usr/bin/env",
                            "-i",
                            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                            "LANG=C.UTF-8",
                            "HOME=/root",
                            "/bin/sh",
                            "-c",
                            command},
                           {},
                           log);
    std::optional<int> status;
    if (pid != 0 && !eventually([&] { return (status = reap(pid)).has_value(); }, 60s)) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    return {.status = status.value_or(-1), .output = read_text(log)};
}

std::string SystemdHost::must_run(const std::string& command) const {
    auto ran = run(command);
    if (ran.status != 0)
        throw std::runtime_error{command + ": exit " + std::to_string(ran.status) + ": " +
                                 ran.output};
    return std::move(ran.output);
}

}  // namespace test_support
