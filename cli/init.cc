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

#include "model/config.h"
#include "model/config_keys.h"
#include "model/json_text.h"

namespace cli {
namespace {

using List = model::ConfigValue::List;
using Map = model::ConfigValue::Map;

/// The default of a key, as the table has it.
model::ConfigValue fallback(std::string_view path) {
    const auto& key = model::config_key(path);
    if (key.type == model::ConfigType::number) {
        return {static_cast<std::int64_t>(*model::parse_number(key.fallback))};
    }
    return {std::string{key.fallback}};
}

void write(model::JsonText& json, const model::ConfigValue& value) {
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

/// "" = written; else what went wrong.
std::string write_file(const std::string& path, const std::string& text, bool replace) {
    const auto folder = std::filesystem::path{path}.parent_path();
    std::error_code failure;
    if (!folder.empty()) std::filesystem::create_directories(folder, failure);
    if (failure) return folder.string() + ": " + failure.message();

    // A new file beside it, then renamed: no reader sees half of one, and its mode is ours.
    const auto fresh = path + ".new";
    ::unlink(fresh.c_str());
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return fresh + ": " + why(errno);
    std::string problem;
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
        // link() does not replace: of two that run at once one is refused.
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

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

}  // namespace

model::ConfigValue initial_tree(const InitOptions& options) {
    List servers;
    for (const auto& url : options.servers)
        servers.push_back({url});
    const auto all = [](std::string_view section, std::initializer_list<const char*> names) {
        Map map;
        for (const char* name : names)
            map.push_back({name, fallback(std::string{section} + "." + name)});
        return model::ConfigValue{std::move(map)};
    };
    Map root{{"clusterId", {options.cluster_id}},
             {"nodeId", {options.node_id}},
             {"nats", {Map{{"servers", {std::move(servers)}}}}},
             {"election", all("election", {"leaderTtlMs", "heartbeatIntervalMs"})},
             {"wal", all("wal", {"streamRetention", "snapshotIntervalMs", "replicaPath"})},
             {"backend", all("backend", {"serviceName", "healthEndpoint", "dataPath"})}};
    if (!options.vip.empty()) {
        root.push_back({"vip",
                        {Map{{"address", {options.vip}},
                             {"netmask", {std::int64_t{options.vip_netmask}}},
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
        model::make_config({.file = "init", .root = initial_tree(options), .overrides = {}});
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
    text += "  NATS:        [" + joined(options.servers) + "]\n";
    if (!options.vip.empty()) {
        text += "  VIP:         " + options.vip + "/" + std::to_string(options.vip_netmask) +
                " on " + options.interface + "\n";
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
