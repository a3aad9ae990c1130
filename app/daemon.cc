#include "app/daemon.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "adapters/linux/files.h"
#include "adapters/linux/log.h"
#include "adapters/linux/warden_client.h"
#include "app/faces.h"
#include "app/node.h"

namespace app {
namespace {

constexpr int exit_failure = 1;
/// FNV-1a of the config's path: names the warden's state file where there is no runtime directory.
std::string path_hash(const std::string& path) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : path)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return model::to_hex16(hash);
}

std::string state_file(const model::Config& config) {
    const char* runtime = std::getenv("RUNTIME_DIRECTORY");
    // However the path is spelt at the next start: that warden enforces what this one wrote.
    std::error_code failure;
    const auto path = std::filesystem::weakly_canonical(config.file, failure);
    const auto hash = path_hash(failure ? config.file : path.string());
    const auto name = "convex-cluster-manager-" + hash + ".state";
    return std::string{runtime != nullptr && *runtime != '\0' ? runtime : "/dev/shm"} + "/" + name;
}

}  // namespace

std::string own_path() {
    std::array<char, 4096> path{};
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string{};
}

std::string find_warden(const std::string& self) {
    const auto folder = self.substr(0, self.rfind('/'));
    for (const auto& candidate :
         {folder + "/convex-cluster-warden",
          folder + "/../libexec/convex-cluster-manager/convex-cluster-warden"}) {
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

std::vector<std::string> warden_command(const model::Config& config,
                                        const std::string& warden,
                                        const std::string& self,
                                        const std::vector<std::string>& arguments) {
    const auto ms = [](model::Duration d) { return std::to_string(model::to_ms(d)); };
    // In order: the backend's own stop, its kill, the sweep and the release, each with room.
    const auto stop_timeout = config.backend.stop_timeout + std::chrono::seconds{30};
    std::vector<std::string> command{warden,
                                     "--state-dir",
                                     config.state_dir,
                                     "--state-file",
                                     state_file(config),
                                     "--ttl-ms",
                                     ms(config.election.timing.ttl),
                                     "--margin-ms",
                                     ms(config.election.timing.margin),
                                     "--stop-timeout-ms",
                                     ms(stop_timeout)};
    if (config.log.format) {
        command.emplace_back("--log-format");
        switch (*config.log.format) {
            case model::LineFormat::text:
                command.emplace_back("text");
                break;
            case model::LineFormat::json:
                command.emplace_back("json");
                break;
            case model::LineFormat::journal:
                command.emplace_back("journald");
                break;
        }
    }
    command.emplace_back("--");
    command.push_back(self);
    command.emplace_back("node");
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

int run_daemon(const model::Config& config, const std::vector<std::string>& arguments) {
    const auto self = own_path();
    const auto warden = find_warden(self);
    if (warden.empty()) {
        std::fprintf(stderr,
                     "convex-cluster-warden is neither beside %s nor in "
                     "../libexec/convex-cluster-manager: install both executables together\n",
                     self.c_str());
        return exit_failure;
    }
    adapters::linux_host::Files files;
    if (auto made = files.make_folder(config.state_dir); !made) {
        std::fprintf(stderr, "stateDir: %s\n", made.error().message.c_str());
        return exit_failure;
    }
    auto command = warden_command(config, warden, self, arguments);
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (auto& each : command)
        argv.push_back(each.data());
    argv.push_back(nullptr);
    ::execv(warden.c_str(), argv.data());
    std::fprintf(stderr, "%s can not be run: %s\n", warden.c_str(), std::strerror(errno));
    return exit_failure;
}

std::vector<std::string> node_arguments(const std::vector<std::string>& daemon_arguments) {
    std::vector<std::string> arguments;
    for (const auto& each : daemon_arguments) {
        if (each != "daemon") arguments.push_back(each);
    }
    return arguments;
}

std::string not_runnable(const model::Config& config) {
    if (config.backend.kind != model::BackendConfig::Kind::process) {
        return config.file +
               ": backend.kind = " + std::string{model::to_text(config.backend.kind)} +
               ": this version runs backends of the kind process: set backend.process.command";
    }
    return {};
}

int run_fence(const model::Config& config) {
    const auto warden = find_warden(own_path());
    if (warden.empty()) {
        std::fprintf(stderr, "convex-cluster-warden is not installed beside this program\n");
        return exit_failure;
    }
    auto command = warden_command(config, warden, own_path(), {});
    command.insert(command.begin() + 1, "--strike-only");
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (auto& each : command)
        argv.push_back(each.data());
    argv.push_back(nullptr);
    ::execv(warden.c_str(), argv.data());
    std::fprintf(stderr, "%s can not be run: %s\n", warden.c_str(), std::strerror(errno));
    return exit_failure;
}

int run_node_process(const model::Config& config, int fd, const std::stop_token& stop) {
    adapters::linux_host::Log log{
        config.log.format.value_or(adapters::linux_host::default_format()),
        static_cast<reconcilers::ports::Level>(config.log.level)};
    auto attached = adapters::linux_host::WardenClient::attach(fd);
    if (!attached) {
        std::fprintf(stderr, "node: %s\n", attached.error().message.c_str());
        return exit_for_good;
    }
    // Closed by the end of the process alone: to the warden a closed socket is a node that broke.
    static auto* warden = attached->release();
    std::fprintf(stderr,
                 "✓ Daemon started. Node %s of cluster %s\n",
                 config.node_id.c_str(),
                 config.cluster_id.c_str());
    auto end = run_node(
        config,
        *warden,
        log,
        [&config, &log](const SharedBoard& board) { return start_faces(config, board, log); },
        stop);
    if (!end) {
        std::fprintf(stderr, "node: %s\n", end.error().message.c_str());
        return exit_for_good;
    }
    switch (*end) {
        case NodeEnd::stopped:
            std::fprintf(stderr, "✓ Daemon stopped\n");
            return 0;
        case NodeEnd::id_refused:
            return exit_for_good;
        case NodeEnd::warden_lost:
            break;
    }
    return exit_failure;
}

}  // namespace app
