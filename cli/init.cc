#include "cli/init.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/config.h"
#include "config/keys.h"
#include "model/join.h"
#include "model/json_text.h"

namespace cli {
namespace {

using List = config::Value::List;
using Map = config::Value::Map;

/// The default of a key in config/keys.
config::Value fallback(std::string_view path) {
    const auto& key = config::find_key(path);
    if (key.type == config::Type::number) {
        return {static_cast<std::int64_t>(*model::parse_number(key.fallback))};
    }
    return {std::string{key.fallback}};
}

void write(model::JsonText& json, const config::Value& value) {
    if (const auto* map = std::get_if<Map>(&value.data)) {
        json.begin_object();
        for (const auto& [name, member] : *map) {
            json.key(name);
            write(json, member);
        }
        json.end_object();
    } else if (const auto* list = std::get_if<List>(&value.data)) {
        json.begin_list();
        for (const auto& element : *list)
            write(json, element);
        json.end_list();
    } else if (const auto* number = std::get_if<std::int64_t>(&value.data)) {
        json.value(*number);
    } else if (const auto* text = std::get_if<std::string>(&value.data)) {
        json.value(*text);
    }
}

std::string why(int code) { return std::strerror(code); }

/// Root writes it for whoever reads it: the owner of the file that is replaced, else of its
/// directory.
void give_owner(int fd, const std::string& path) {
    struct stat who {};
    const auto directory = std::filesystem::path{path}.parent_path().string();
    const bool known = ::stat(path.c_str(), &who) == 0 ||
                       ::stat(directory.empty() ? "." : directory.c_str(), &who) == 0;
    if (::geteuid() != 0 || !known) return;
    [[maybe_unused]] const int done = ::fchown(fd, who.st_uid, who.st_gid);
}

/// "" = written; else the error.
std::string write_file(const std::string& path, const std::string& text, bool replace) {
    const auto directory = std::filesystem::path{path}.parent_path();
    std::error_code failure;
    if (!directory.empty()) std::filesystem::create_directories(directory, failure);
    if (failure) return directory.string() + ": " + failure.message();

    // A new file that is renamed: readers never see half of it, and its mode is set from the start.
    const auto fresh = path + ".new";
    ::unlink(fresh.c_str());
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return fresh + ": " + why(errno);
    std::string problem;
    give_owner(fd, path);
    std::string_view rest = text;
    while (!rest.empty() && problem.empty()) {
        const auto count = ::write(fd, rest.data(), rest.size());
        if (count > 0) {
            rest.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            problem = fresh + ": " + why(errno);
        }
    }
    if (problem.empty() && ::fsync(fd) != 0) problem = fresh + ": " + why(errno);
    ::close(fd);
    if (problem.empty()) {
        // link() does not replace a file: of two concurrent commands one is refused.
        const int done =
            replace ? ::rename(fresh.c_str(), path.c_str()) : ::link(fresh.c_str(), path.c_str());
        if (done != 0) {
            problem = errno == EEXIST ? path + " is there already; --force replaces it"
                                      : path + ": " + why(errno);
        }
    }
    ::unlink(fresh.c_str());
    return problem;
}

int netmask(const InitOptions& options) {
    if (options.vip_netmask != 0) return options.vip_netmask;
    return options.vip.find(':') == std::string::npos ? 24 : 128;
}

void put(config::Value& section, const std::string& name, config::Value value) {
    auto& map = std::get<Map>(section.data);
    for (auto& [each, old] : map)
        if (each == name) {
            old = std::move(value);
            return;
        }
    map.push_back({name, std::move(value)});
}

/// "": the default stays.
void set(config::Value& section, const std::string& name, const std::string& text) {
    if (!text.empty()) put(section, name, {text});
}

}  // namespace

config::Value initial_tree(const InitOptions& options) {
    List servers;
    for (const auto& url : options.servers)
        servers.push_back({url});
    const auto all = [](std::string_view section, std::initializer_list<const char*> names) {
        Map map;
        for (const char* name : names)
            map.push_back({name, fallback(std::string{section} + "." + name)});
        return config::Value{std::move(map)};
    };
    auto wal = all("wal", {"streamRetention", "snapshotIntervalMs", "replicaPath"});
    set(wal, "replicaPath", options.replica_path);
    auto backend = all("backend", {"serviceName", "healthEndpoint", "dataPath"});
    set(backend, "serviceName", options.service_name);
    set(backend, "dataPath", options.data_path);
    if (options.health_endpoint) put(backend, "healthEndpoint", {*options.health_endpoint});
    if (!options.backend.empty()) put(backend, "kind", {options.backend});
    if (!options.command.empty()) {
        List words;
        for (const auto& word : options.command)
            words.push_back({word});
        put(backend, "process", {Map{{"command", {std::move(words)}}}});
    }
    Map root{{"clusterId", {options.cluster_id}},
             {"nodeId", {options.node_id}},
             {"nats", {Map{{"servers", {std::move(servers)}}}}},
             {"election", all("election", {"leaderTtlMs", "heartbeatIntervalMs"})},
             {"wal", std::move(wal)},
             {"backend", std::move(backend)}};
    if (!options.vip.empty()) {
        root.push_back({"vip",
                        {Map{{"address", {options.vip}},
                             {"netmask", {std::int64_t{netmask(options)}}},
                             {"interface", {options.interface}}}}});
    }
    return {std::move(root)};
}

std::string initial_config(const InitOptions& options) {
    model::JsonText json{2};
    write(json, initial_tree(options));
    return json.take() + "\n";
}

int run_init(const Command& command, const Lines& lines) {
    const auto& options = command.init;
    const auto outcome =
        config::build({.file = "init", .root = initial_tree(options), .overrides = {}});
    if (!outcome.errors.empty()) {
        for (const auto& problem : outcome.errors)
            lines.err("Error: " + to_text(problem) + "\n");
        return exit_usage;
    }
    const auto problem = write_file(command.config_path, initial_config(options), options.force);
    if (!problem.empty()) {
        lines.err("Error: " + problem + "\n");
        return exit_failed;
    }
    std::string text = "✓ Cluster configuration initialized\n";
    text += "  Config file: " + command.config_path + "\n";
    text += "  Cluster ID:  " + options.cluster_id + "\n";
    text += "  Node ID:     " + options.node_id + "\n";
    text += "  NATS:        [" + model::join(options.servers, " ") + "]\n";
    if (!options.vip.empty()) {
        text += "  VIP:         " + options.vip + "/" + std::to_string(netmask(options)) + " on " +
                options.interface + "\n";
    }
    text +=
        "\nNext steps:\n"
        "  1. Start the daemon:  convex-cluster-manager daemon\n"
        "  2. Or join cluster:   convex-cluster-manager join\n"
        "Advice: where NATS keeps three copies (R3), the death of one of its servers stops writes "
        "for up to\n"
        "  7.4 s. Set election.leaderTtlMs to 14000 or more there.\n";
    lines.out(text);
    for (const auto& warning : outcome.warnings) {
        if (warning.key == "backend.kind") {
            lines.err("Note: " + warning.key + " = " + warning.value + " " + warning.reason + "\n");
        }
    }
    return exit_done;
}

}  // namespace cli
