// A node process controlled by the test through a socket in the directory given as its first
// argument: one command per packet, one answer per packet.
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
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

// A busy machine may delay the warden, or an exec, for longer than the client waits: the request is
// then repeated.
template <typename Ask>
std::string patiently(const Ask& ask) {
    auto result = ask();
    bool again = false;
    for (int i = 0; i < 50 && !result && result.error().code == model::Errc::unavailable; ++i) {
        again = true;
        result = ask();
    }
    // What was started meanwhile is running.
    if (again && !result && result.error().code == model::Errc::conflict) return "ok";
    return outcome(result);
}

std::string describe(const reconcilers::ports::WardenView& view) {
    std::ostringstream text;
    text << "until=" << view.valid_until.time_since_epoch().count()
         << " running=" << view.backend_running << " unknown=" << view.backend_unknown
         << " contained=" << view.backend_contained << " ticks=" << view.backend_start_ticks
         << " cgroup=" << view.backend_cgroup << " pid=" << view.backend_pid
         << " starts=" << view.backend_starts
         << " status=" << (view.backend_exit ? std::to_string(*view.backend_exit) : "none")
         << " incarnation=" << view.incarnation << " lost=" << view.lost;
    return text.str();
}

// Replaced atomically: a shell that still reads the old file continues with that.
void write_script(const std::string& path, const std::string& text) {
    {
        std::ofstream script{path + ".new"};
        script << text << "\n";
    }
    ::chmod((path + ".new").c_str(), 0644);
    ::rename((path + ".new").c_str(), path.c_str());
}

std::string obey(WardenClient& warden,
                 const std::string& directory,
                 int warden_fd,
                 const std::string& command) {
    std::istringstream words{command};
    std::string verb;
    words >> verb;
    std::string rest;
    std::getline(words >> std::ws, rest);
    if (verb == "set_deadline") {
        const auto now = adapters::linux_host::Clock{}.now();
        const auto until = rest == "none"
                               ? model::Instant{}
                               : now + std::chrono::milliseconds{std::atoll(rest.c_str())};
        auto held = patiently([&] { return warden.set_deadline(until); });
        return held + " until=" + std::to_string(until.time_since_epoch().count());
    }
    if (verb == "start" || verb == "start_as_nobody") {
        write_script(directory + "/backend", rest);
        const std::uint32_t entry = verb == "start" ? 0 : 1;
        return patiently([&] { return warden.start_backend({entry}); });
    }
    const model::WardenEntry named{static_cast<std::uint32_t>(std::atoi(rest.c_str()))};
    if (verb == "start_entry") return patiently([&] { return warden.start_backend(named); });
    if (verb == "register") return patiently([&] { return warden.register_target(named); });
    if (verb == "unregister") return patiently([&] { return warden.unregister_target(named); });
    if (verb == "stop") return patiently([&] { return warden.stop_backend(); });
    if (verb == "kill") return patiently([&] { return warden.kill_backend(); });
    if (verb == "disarm") return patiently([&] { return warden.disarm(); });
    if (verb == "claim") return patiently([&] { return warden.claim(rest); });
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
    // Exit at once on an orderly step-down.
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
        const auto answer =
            obey(**warden, argv[1], warden_fd, {packet, static_cast<std::size_t>(got)});
        if (::send(test, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return 6;
    }
}
