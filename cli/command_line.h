// Parsing of the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/services_line.h"
#include "config/config.h"
#include "model/result.h"
#include "model/time.h"

namespace cli {

/// Exit statuses that scripts rely on.
enum Exit : int {
    exit_done = 0,
    exit_failed = 1,
    exit_usage = 2,
    exit_not_reached = 3,  // the cluster did not reach the requested state
};

enum class Output : std::uint8_t { table, json };

/// What `init` writes.
struct InitOptions {
    std::string cluster_id;
    std::string node_id;
    std::vector<std::string> servers;
    std::string vip;
    int vip_netmask = 0;  // 0: not given, and so 24, or 128 of an IPv6 address
    std::string interface;
    std::string data_path;
    std::string replica_path;
    std::optional<std::string> health_endpoint;  // "": no health checks
    std::string backend;                         // the kind; "": as the other keys have it
    std::string service_name;
    std::vector<std::string> command;  // of a process
    bool force = false;                // replaces an existing file
};

struct Command {
    std::string verb = "daemon";
    bool help = false;
    std::string config_path = "/etc/convex/cluster.json";
    std::vector<config::Override> overrides;  // flags that take precedence over the file
    Output output = Output::table;
    InitOptions init;
    bool force = false;   // promote: waives nofailover; failover: given, as it must be
    bool yes = false;     // failover: nobody is asked
    std::string subject;  // remove: the node
    model::Duration patience = std::chrono::minutes{2};  // of the verbs that wait
    int fd = -1;                                         // node: the socket to the warden
    ServicesCommand services;
};

/// arguments: without the program's name. invalid: a usage error, to be shown with exit_usage; the
/// message names the invalid word.
[[nodiscard]] model::Result<Command> parse_command_line(const std::vector<std::string>& arguments);

[[nodiscard]] std::string help_text();

}  // namespace cli
