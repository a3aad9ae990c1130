// A node process that does what the test tells it, over a socket in the folder given as its first
// argument: one command a packet, one answer a packet.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>

#include "adapters/linux/clock.h"
#include "adapters/linux/warden_client.h"

namespace {

using adapters::linux_host::WardenClient;

int dial(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) ::_exit(3);
    return fd;
}

std::string outcome(const model::Result<void>& result) {
    if (result) return "ok";
    return std::string{model::to_text(result.error().code)} + ": " + result.error().message;
}

std::string describe(const reconcilers::ports::WardenView& view) {
    std::ostringstream text;
    text << "until=" << view.valid_until.time_since_epoch().count()
         << " running=" << view.backend_running << " pid=" << view.backend_pid
         << " starts=" << view.backend_starts
         << " status=" << (view.backend_status ? std::to_string(*view.backend_status) : "none")
         << " incarnation=" << view.incarnation << " lost=" << view.lost;
    return text.str();
}

std::string obey(WardenClient& warden, int warden_fd, const std::string& command) {
    std::istringstream words{command};
    std::string verb;
    words >> verb;
    std::string rest;
    std::getline(words >> std::ws, rest);
    if (verb == "hold") {
        const auto now = adapters::linux_host::Clock{}.now();
        const auto until = rest == "none"
                               ? model::Instant{}
                               : now + std::chrono::milliseconds{std::atoll(rest.c_str())};
        auto held = outcome(warden.hold_until(until));
        return held + " until=" + std::to_string(until.time_since_epoch().count());
    }
    if (verb == "start") return outcome(warden.start_backend({.command = {"/bin/sh", "-c", rest}}));
    if (verb == "exec")
        return outcome(warden.start_backend({.command = {rest}, .env = {{"PATH", "/bin"}}}));
    if (verb == "start_as_nobody")
        return outcome(warden.start_backend({.command = {"sh", "-c", rest},
                                             .dir = "/tmp",
                                             .env = {{"PATH", "/bin"}, {"ONLY", "this"}},
                                             .user = "nobody",
                                             .limits = {{"nofile", 77}, {"core", 0}}}));
    if (verb == "stop") return outcome(warden.stop_backend());
    if (verb == "kill") return outcome(warden.kill_backend());
    if (verb == "disarm") return outcome(warden.disarm());
    if (verb == "watch_cgroup") return outcome(warden.watch({.name = rest}));
    if (verb == "watch_address" || verb == "forget_address") {
        const model::WardenTarget target{
            .kind = model::WardenTarget::Kind::address, .name = rest, .ifindex = 1};
        return outcome(verb == "watch_address" ? warden.watch(target) : warden.forget(target));
    }
    if (verb == "claim") return outcome(warden.claim(rest));
    if (verb == "view") return describe(warden.view());
    if (verb == "env") {
        const char* const value = std::getenv(rest.c_str());
        return value == nullptr ? "unset" : value;
    }
    if (verb == "garbage") return std::to_string(::send(warden_fd, "garbage", 7, MSG_NOSIGNAL));
    if (verb == "exit") ::_exit(std::atoi(rest.c_str()));
    return "?";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4 || std::string_view{argv[argc - 2]} != "--fd") return 2;
    const int warden_fd = std::atoi(argv[argc - 1]);
    // An orderly step-down has nothing to do here.
    if (argc > 4 && std::string_view{argv[2]} == "orderly")
        ::signal(SIGTERM, [](int) { ::_exit(0); });
    if (argc > 4 && std::string_view{argv[2]} == "deaf") ::signal(SIGTERM, SIG_IGN);
    auto warden = WardenClient::attach(warden_fd);
    if (!warden) return 4;
    const int test = dial(std::string{argv[1]} + "/ctl");
    char packet[4096];
    while (true) {
        const auto got = ::recv(test, packet, sizeof packet, 0);
        if (got <= 0) return 5;
        const auto answer = obey(**warden, warden_fd, {packet, static_cast<std::size_t>(got)});
        if (::send(test, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return 6;
    }
}
