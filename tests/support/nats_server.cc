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

/// Whether nobody listens on the port now.
bool is_free(std::uint16_t port) {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free =
        ::bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    return free;
}

/// Below the kernel's range for outgoing connections, so that the port stays free during a restart.
std::uint16_t pick_port() {
    static std::mt19937 generator{std::random_device{}()};
    std::uniform_int_distribution<int> ports{18000, 31999};
    for (;;) {
        const auto port = static_cast<std::uint16_t>(ports(generator));
        if (is_free(port)) return port;
    }
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
    // A test that throws has not failed yet when its server is destroyed.
    const bool failed = ::testing::Test::HasFailure() || std::uncaught_exceptions() > 0;
    if (died) std::cerr << "---- nats-server had ended by itself, status " << status << '\n';
    if (failed) std::cerr << "---- log of nats-server\n" << read_file(log_file()) << "----\n";
}

std::string NatsServer::url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

void NatsServer::start() {
    // The port may be in use for a moment by the server that was just killed.
    for (int attempt = 0; attempt < 20; ++attempt) {
        if (try_start()) return;
        std::this_thread::sleep_for(50ms);
    }
    throw std::runtime_error{"nats-server does not start again:\n" + read_file(log_file())};
}

bool NatsServer::try_start() {
    const auto config = directory_.path() + "/server.conf";
    std::ofstream{config} << "host: 127.0.0.1\nport: " << port_ << "\njetstream { store_dir: \""
                          << directory_.path() << "/store\" }\n"
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

void NatsServer::freeze() {
    ::kill(pid_, SIGSTOP);
    // SIGSTOP takes effect thread by thread: wait for it.
    ::waitpid(pid_, nullptr, WUNTRACED);
}
void NatsServer::thaw() { ::kill(pid_, SIGCONT); }

void NatsServer::wipe() { std::filesystem::remove_all(directory_.path() + "/store"); }

NatsCluster::NatsCluster(std::size_t size) {
    std::vector<std::uint16_t> ports;
    std::string routes;
    for (std::size_t i = 0; i < size; ++i) {
        ports.push_back(pick_port());
        routes += (i > 0 ? ", " : "") + std::string{"nats://127.0.0.1:"} + std::to_string(ports[i]);
    }
    for (std::size_t i = 0; i < size; ++i) {
        servers_.push_back(std::make_unique<NatsServer>(
            "server_name: s" + std::to_string(i) + "\ncluster { name: c, listen: \"127.0.0.1:" +
            std::to_string(ports[i]) + "\", routes: [" + routes + "] }"));
    }
}

std::vector<std::string> NatsCluster::urls() const {
    std::vector<std::string> urls;
    for (const auto& server : servers_)
        urls.push_back(server->url());
    return urls;
}

}  // namespace test_support
