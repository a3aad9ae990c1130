#include "tests/support/nats_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace test_support {
namespace {

using namespace std::chrono_literals;

std::string read_file(const std::string& path) {
    std::ifstream file{path};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Below the kernel's range for outgoing connections, so that the port is still free at a restart.
std::uint16_t pick_port() {
    static std::mt19937 generator{std::random_device{}()};
    std::uniform_int_distribution<int> ports{18000, 31999};
    return static_cast<std::uint16_t>(ports(generator));
}

}  // namespace

NatsServer::NatsServer(std::string config) : config_{std::move(config)} {
    for (int attempt = 0; attempt < 20; ++attempt) {
        port_ = pick_port();
        if (try_start()) return;
    }
    throw std::runtime_error{"nats-server does not start:\n" + read_file(log_file())};
}

NatsServer::~NatsServer() {
    int status = 0;
    const bool died = pid_ != 0 && ::waitpid(pid_, &status, WNOHANG) == pid_;
    if (died) pid_ = 0;
    stop();
    // A test that throws has not failed yet when its server goes.
    const bool failed = ::testing::Test::HasFailure() || std::uncaught_exceptions() > 0;
    if (died) std::cerr << "---- nats-server had ended by itself, status " << status << '\n';
    if (failed) std::cerr << "---- log of nats-server\n" << read_file(log_file()) << "----\n";
}

std::string NatsServer::url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

void NatsServer::start() {
    // The port may be held for a moment by the server that was just killed.
    for (int attempt = 0; attempt < 20; ++attempt) {
        if (try_start()) return;
        std::this_thread::sleep_for(50ms);
    }
    throw std::runtime_error{"nats-server does not start again:\n" + read_file(log_file())};
}

bool NatsServer::try_start() {
    const auto config = folder_.path() + "/server.conf";
    std::ofstream{config} << "host: 127.0.0.1\nport: " << port_ << "\njetstream { store_dir: \""
                          << folder_.path() << "/store\" }\n"
                          << config_ << '\n';
    const auto log = log_file();
    const auto log_begin = std::filesystem::exists(log) ? std::filesystem::file_size(log) : 0;
    const auto parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        ::execlp("nats-server", "nats-server", "-c", config.c_str(), nullptr);
        ::_exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = 0;
            return false;
        }
        if (read_file(log).find("Server is ready", log_begin) != std::string::npos) return true;
        std::this_thread::sleep_for(5ms);
    }
    stop();
    return false;
}

void NatsServer::stop(int signal) {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    ::kill(pid_, SIGCONT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void NatsServer::freeze() { ::kill(pid_, SIGSTOP); }
void NatsServer::thaw() { ::kill(pid_, SIGCONT); }

void NatsServer::wipe() { std::filesystem::remove_all(folder_.path() + "/store"); }

}  // namespace test_support
