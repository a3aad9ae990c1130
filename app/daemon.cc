#include "app/daemon.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "adapters/linux/files.h"
#include "adapters/linux/log.h"
#include "adapters/linux/second_belt.h"
#include "adapters/linux/warden_client.h"
#include "app/backend_kind.h"
#include "app/http_endpoints.h"
#include "app/node.h"
#include "app/warden_list.h"
#include "model/exit_status.h"
#include "model/fnv.h"

namespace app {
namespace {

constexpr int exit_failure = 1;

/// Normal form of a path, without "." and symbolic links.
std::string plain(const std::string& path) {
    std::error_code failure;
    const auto plain = std::filesystem::weakly_canonical(path, failure);
    return failure ? path : plain.string();
}

/// A directory on tmpfs, since the warden's state must survive its process but not the machine: the
/// runtime directory that systemd made for the unit, or one of this user's own. The variable may
/// list several, separated by colons.
std::string state_directory() {
    const char* const runtime = std::getenv("RUNTIME_DIRECTORY");
    const std::string given{runtime == nullptr ? "" : runtime};
    if (!given.empty()) return plain(given.substr(0, given.find(':')));
    return "/dev/shm/convex-cluster-manager-" + std::to_string(::geteuid());
}

/// The same for every daemon with this configuration: at its start the warden enforces what the
/// last one wrote.
std::string state_file(const std::string& config_file) {
    return state_directory() + "/convex-cluster-manager-" +
           model::to_hex16(model::fnv1a(plain(config_file))) + ".state";
}

// Beside the state file, for `fence` where the configuration cannot be loaded: links to nothing but
// their own texts, which are replaced whole.
constexpr const char* lock_link = ".lock";  // the path of the warden's lock
constexpr const char* unit_link = ".unit";  // the backend's unit; absent: it is none

void replace_link(const std::string& path, const std::string& text) {
    const auto fresh = path + ".tmp";
    ::unlink(fresh.c_str());
    if (text.empty())
        ::unlink(path.c_str());
    else if (::symlink(text.c_str(), fresh.c_str()) == 0)
        ::rename(fresh.c_str(), path.c_str());
}

std::string read_link(const std::string& path) {
    std::string text(PATH_MAX, '\0');
    const auto size = ::readlink(path.c_str(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

void leave_for_fence(const config::Config& config) {
    const auto base = state_file(config.file);
    const bool unit = config.backend.kind == config::Backend::Kind::systemd;
    replace_link(base + lock_link, config.state_dir + "/lock");
    replace_link(base + unit_link, unit ? config.backend.service_name : "");
}

/// Creates the directory of the state file. Any user can create one of that name in /dev/shm; a
/// directory of another user is refused, because the warden does not trust it.
model::Result<void> create_state_directory() {
    const auto path = state_directory();
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return model::error(model::Errc::unavailable, path + ": " + std::strerror(errno));
    struct stat what {};
    if (::lstat(path.c_str(), &what) != 0)
        return model::error(model::Errc::unavailable, path + ": " + std::strerror(errno));
    if (!S_ISDIR(what.st_mode) || what.st_uid != ::geteuid())
        return model::error(model::Errc::unavailable,
                            path + ": is not a directory of this user's; remove it");
    return {};
}

/// Executes the command. Returns only on failure, with an exit status; the reason is on stderr.
int become(std::vector<std::string> command) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (auto& each : command)
        arguments.push_back(each.data());
    arguments.push_back(nullptr);
    ::execv(arguments.front(), arguments.data());
    std::fprintf(stderr, "%s cannot be run: %s\n", command.front().c_str(), std::strerror(errno));
    return exit_failure;
}

/// "" where it is not installed; the reason is on stderr.
std::string installed_warden() {
    const auto self = own_path();
    auto warden = find_warden(self);
    if (warden.empty()) {
        std::fprintf(stderr,
                     "convex-cluster-warden is neither beside %s nor in "
                     "../libexec/convex-cluster-manager: install both executables together\n",
                     self.c_str());
    }
    return warden;
}

}  // namespace

std::string own_path() {
    std::array<char, 4096> path{};
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string{};
}

std::string find_warden(const std::string& self) {
    const auto directory = self.substr(0, self.rfind('/'));
    for (const auto& candidate :
         {directory + "/convex-cluster-warden",
          directory + "/../libexec/convex-cluster-manager/convex-cluster-warden"}) {
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

std::vector<std::string> warden_command(const config::Config& config,
                                        const std::string& warden,
                                        const std::string& self,
                                        const std::vector<std::string>& arguments) {
    const auto ms = [](model::Duration d) { return std::to_string(model::to_ms(d)); };
    // Time for the backend's own stop, its kill, the flush and the release, with a reserve for
    // each.
    const auto stop_timeout = config.backend.stop_timeout + std::chrono::seconds{30};
    std::vector<std::string> command{warden,
                                     "--state-dir",
                                     config.state_dir,
                                     "--state-file",
                                     state_file(config.file),
                                     "--data-path",
                                     plain(config.backend.data_path),
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

int run_daemon(const config::Config& config, const NodeArguments& arguments) {
    if (const auto why = escaping_command(config); !why.empty()) {
        std::fprintf(stderr, "%s\n", why.c_str());
        return model::exit_for_good;
    }
    const auto warden = installed_warden();
    if (warden.empty()) return exit_failure;
    adapters::linux_host::Files files;
    if (auto created = files.create_directory(config.state_dir); !created) {
        std::fprintf(stderr, "stateDir: %s\n", created.error().message.c_str());
        return exit_failure;
    }
    // The warden's lock is created beside the database.
    const auto data = std::filesystem::path{plain(config.backend.data_path)}.parent_path().string();
    if (auto created = files.create_directory(data); !created) {
        std::fprintf(stderr, "backend.dataPath: %s\n", created.error().message.c_str());
        return exit_failure;
    }
    if (auto created = create_state_directory(); !created) {
        std::fprintf(stderr, "the warden's state file: %s\n", created.error().message.c_str());
        return exit_failure;
    }
    leave_for_fence(config);
    UnitPlace place;
    if (config.backend.kind == config::Backend::Kind::systemd) place = find_unit(config.backend);
    const auto list = warden_list(config, place);
    if (!list) {
        std::fprintf(stderr, "%s: %s\n", config.file.c_str(), list.error().message.c_str());
        return model::exit_for_good;
    }
    const auto list_fd = open_list(*list);
    if (!list_fd) {
        std::fprintf(stderr, "the warden's list: %s\n", list_fd.error().message.c_str());
        return exit_failure;
    }
    auto command = warden_command(config, warden, own_path(), arguments.words);
    command.insert(command.begin() + 1, {"--list-fd", std::to_string(*list_fd)});
    // The warden passes its environment on to the node process.
    if (!place.path.empty()) pass_on(place);
    pass_on(config.vips);
    if (arguments.nats_url) ::setenv("NATS_URL", arguments.nats_url->c_str(), 1);
    return become(std::move(command));
}

std::string not_runnable(const config::Config& config) {
    using Kind = config::Backend::Kind;
    const auto kind = config.backend.kind;
    if (kind == Kind::process || kind == Kind::systemd) return {};
    return config.file + ": backend.kind = " + std::string{config::to_text(kind)} +
           ": this version runs backends of the kinds systemd and process: set "
           "backend.serviceName or backend.process.command";
}

int run_fence(const config::Config& config) {
    const auto warden = installed_warden();
    if (warden.empty()) return exit_failure;
    cancel_restart(config.backend);
    auto command = warden_command(config, warden, own_path(), {});
    command.insert(command.begin() + 1, "--strike-only");
    return become(std::move(command));
}

int run_fence_without_config(const std::string& path) {
    const auto warden = installed_warden();
    if (warden.empty()) return exit_failure;
    const auto state = state_file(path);
    const auto lock = read_link(state + lock_link);
    if (lock.empty()) {
        std::fprintf(stderr, "fence: no daemon of %s has left anything here\n", path.c_str());
        return exit_failure;
    }
    config::Backend backend;
    backend.service_name = read_link(state + unit_link);
    backend.kind = backend.service_name.empty() ? config::Backend::Kind::process
                                                : config::Backend::Kind::systemd;
    cancel_restart(backend);
    return become({warden, "--strike-only", "--lock-file", lock, "--state-file", state});
}

int run_node_process(const config::Config& given,
                     int fd,
                     const std::stop_token& stop,
                     const std::function<void()>& started) {
    auto config = given;
    adapters::linux_host::Log log{
        config.log.format.value_or(adapters::linux_host::default_format()), config.log.level};
    if (auto listed = passed_on_vips(); listed && *listed != config.vips) {
        log.warning("daemon.restart_needed", {{"keys", "vip, vips"}});
        config.vips = std::move(*listed);
    }
    auto attached = adapters::linux_host::WardenClient::attach(fd);
    if (!attached) {
        std::fprintf(stderr, "node: %s\n", attached.error().message.c_str());
        return model::exit_for_good;
    }
    // Closed only by the end of the process: to the warden, a closed socket means a broken node
    // process.
    static auto* warden = attached->release();
    const adapters::linux_host::SecondBelt belt{
        {.margin = config.election.timing.margin,
         .warden = warden->warden_pid(),
         .also = [backend = config.backend] { return end_unit(backend); }},
        *warden,
        log};
    if (started) started();
    auto end = run_node(
        config,
        *warden,
        log,
        [&config, &log](const SharedBoard& board) {
            return start_http_endpoints(config, board, log);
        },
        stop);
    if (!end) {
        std::fprintf(stderr, "node: %s\n", end.error().message.c_str());
        return model::exit_for_good;
    }
    switch (*end) {
        case NodeEnd::stopped:
            return 0;
        case NodeEnd::id_refused:
            return model::exit_for_good;
        case NodeEnd::warden_lost:
            break;
    }
    return exit_failure;
}

}  // namespace app
