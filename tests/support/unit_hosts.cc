#include "tests/support/unit_hosts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "tests/support/processes.h"

namespace test_support {
namespace {

using namespace std::chrono_literals;

constexpr int api_port = 8080;
constexpr const char* backend_cgroup = "/system.slice/convex-backend.service";

void write_text(const std::string& path, const std::string& text) { std::ofstream{path} << text; }

std::string bin_directory() { return std::filesystem::path{MANAGER_PROGRAM}.parent_path(); }

void run_here(const std::vector<std::string>& command, const std::string& log) {
    const auto pid = spawn(command, {}, log);
    int status = -1;
    if (pid == 0 || ::waitpid(pid, &status, 0) != pid || status != 0)
        throw std::runtime_error{command.back() + ": " + read_text(log)};
}

}  // namespace

UnitHosts::UnitHosts(int hosts, Installed installed)
    : net_{hosts}, server_{"host: 0.0.0.0\nport: 4222"} {
    if (installed == Installed::no) {
        std::filesystem::create_directories(installed_.path() + "/files/usr/bin");
        add_program(installed_.path() + "/files/usr/bin");
        for (int host = 1; host <= hosts; ++host) {
            hosts_.push_back(std::make_unique<SystemdHost>(SystemdHost::Options{
                .network = net_.on(host, {}),
                .binds = {bin_directory(), installed_.path(), SOURCE_DIRECTORY}}));
            this->host(host).must_run("cp -a " + installed_.path() + "/files/usr/. /usr/; echo '" +
                                      Net::client() + " nats' >> /etc/hosts");
        }
        return;
    }
    run_here({"/usr/bin/make",
              "-C",
              SOURCE_DIRECTORY,
              "--silent",
              "install",
              "BIN=" + bin_directory(),
              "DESTDIR=" + installed_.path() + "/files"},
             installed_.path() + "/log");
    // The programs themselves are large, and the same directory is on each host.
    const auto files = installed_.path() + "/files/usr";
    for (const auto& [link, program] :
         {std::pair{files + "/bin/convex-cluster-manager", MANAGER_PROGRAM},
          std::pair{files + "/libexec/convex-cluster-manager/convex-cluster-warden",
                    WARDEN_PROGRAM}}) {
        std::filesystem::remove(link);
        std::filesystem::create_symlink(program, link);
    }
    add_program(files + "/bin");
    for (int host = 1; host <= hosts; ++host) {
        data_.push_back(std::make_unique<TempDir>());
        hosts_.push_back(std::make_unique<SystemdHost>(SystemdHost::Options{
            .network = net_.on(host, {}),
            .binds = {bin_directory(), installed_.path(), data_.back()->path()}}));
        install(host);
    }
}

/// The example service, called as the shipped unit calls its own.
void UnitHosts::add_program(const std::string& directory) const {
    const auto program = directory + "/convex-local-backend";
    write_text(program,
               std::string{"#!/bin/sh\nexec "} + NOTES_PROGRAM +
                   " --database \"$5\" --listen 0.0.0.0:\"$2\"\n");
    ::chmod(program.c_str(), 0755);
}

SystemdHost::Ran UnitHosts::run(int host, const std::string& commands) {
    return this->host(host).run("cd " SOURCE_DIRECTORY " && export BIN=" + bin_directory() +
                                " && set -e\n" + commands);
}

UnitHosts::~UnitHosts() {
    if (!::testing::Test::HasFailure()) return;
    for (int host = 1; host <= size(); ++host)
        std::cerr << "---- journal of " << name(host) << '\n' << journal(host) << "----\n";
}

void UnitHosts::install(int host) {
    auto& at = this->host(host);
    at.must_run(
        "cp -a " + installed_.path() +
        "/files/usr/. /usr/; getent passwd convex >/dev/null || useradd --system "
        "--home-dir /var/lib/convex convex; mkdir -p /var/lib/convex /etc/convex; "
        "mount --bind " +
        data_.at(static_cast<std::size_t>(host - 1))->path() +
        " /var/lib/convex; chown convex:convex /var/lib/convex; chmod 0750 /var/lib/convex; "
        "echo '" +
        Net::client() + " nats' >> /etc/hosts; systemctl daemon-reload");
}

void UnitHosts::start(int host, const std::string& backend) {
    nlohmann::json config = {{"clusterId", "units"},
                             {"nodeId", name(host)},
                             {"nats", {{"servers", {"nats://nats:4222"}}}},
                             {"election", {{"leaderTtlMs", 2500}, {"heartbeatIntervalMs", 500}}},
                             {"wal", {{"replicaPath", "/var/lib/convex/replica"}}},
                             {"backend",
                              {{"kind", "systemd"},
                               {"dataPath", "/var/lib/convex/data"},
                               {"healthEndpoint", "http://127.0.0.1:3210/version"},
                               {"healthIntervalMs", 250},
                               {"healthTimeoutMs", 1000},
                               {"startTimeoutMs", 10000},
                               {"stopTimeoutMs", 5000}}}};
    config["backend"].merge_patch(nlohmann::json::parse(backend));
    write_text(this->host(host).share() + "/cluster.json", config.dump(2) + "\n");
    this->host(host).must_run(
        "install -D -m 600 -o \"$(stat -c %U /etc/convex)\" /run/share/cluster.json "
        "/etc/convex/cluster.json; mkdir -p "
        "/etc/systemd/system/convex-cluster-manager.service.d; printf "
        "'[Service]\\nWatchdogSec=250ms\\n' > "
        "/etc/systemd/system/convex-cluster-manager.service.d/test.conf; systemctl daemon-reload; "
        "systemctl start convex-cluster-manager");
}

std::vector<Endpoint> UnitHosts::backends() const {
    std::vector<Endpoint> all;
    for (int host = 1; host <= size(); ++host)
        all.push_back(backend(host));
    return all;
}

bool UnitHosts::backend_lives(int host) const {
    const auto cgroup = hosts_.at(static_cast<std::size_t>(host - 1))->cgroup() + backend_cgroup;
    return read_text(cgroup + "/cgroup.events").find("populated 1") != std::string::npos;
}

int UnitHosts::backends_alive() const {
    int alive = 0;
    for (int host = 1; host <= size(); ++host)
        if (backend_lives(host)) ++alive;
    return alive;
}

int UnitHosts::serving() const {
    int found = 0;
    for (int host = 1; host <= size(); ++host) {
        const auto ready = http({Net::address(host), api_port}, "GET", "/ready");
        const auto answer = http(backend(host), "GET", "/version");
        if (!ready || ready->status != 200 || !answer || answer->status != 200) continue;
        if (found != 0) return 0;
        found = host;
    }
    return found;
}

int UnitHosts::wait_serving(int other_than) {
    int found = 0;
    wait_until("a host to serve", [&] {
        found = serving();
        return found != 0 && found != other_than;
    });
    return found;
}

void UnitHosts::wait_fit() {
    wait_until("all others to be fit", [this] {
        int fit = 0;
        for (int host = 1; host <= size(); ++host) {
            const auto text = status(host);
            const auto json = nlohmann::json::parse(text, nullptr, false);
            if (json.is_discarded()) continue;
            const auto& replication = json.value("replication", nlohmann::json::object());
            if (replication.value("fit", false) && replication.value("copyComplete", false)) ++fit;
        }
        return fit >= size() - 1;
    });
}

std::string UnitHosts::status(int host) const {
    const auto answer = http({Net::address(host), api_port}, "GET", "/status");
    return answer ? answer->body : std::string{};
}

std::string UnitHosts::journal(int host) const {
    const auto& at = *hosts_.at(static_cast<std::size_t>(host - 1));
    if (at.init() == 0) return {};
    return at.run("journalctl --no-pager -n 120 -o short-precise -u 'convex*'").output;
}

void UnitHosts::wait_until(const std::string& what,
                           const std::function<bool()>& holds,
                           std::chrono::seconds limit) const {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= until) {
            std::string text = "waited for: " + what;
            for (int host = 1; host <= size(); ++host)
                text += "\n---- " + name(host) + "\n" + journal(host) + status(host);
            throw std::runtime_error{text};
        }
        std::this_thread::sleep_for(20ms);
    }
}

}  // namespace test_support
