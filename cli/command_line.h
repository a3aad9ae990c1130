// What was typed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "model/result.h"
#include "model/time.h"

namespace cli {

/// Exit statuses that scripts rely on.
enum Exit : int {
    exit_done = 0,
    exit_failed = 1,
    exit_usage = 2,
    exit_not_reached = 3,  // it was asked for, and the cluster is not in that state
};

enum class Output : std::uint8_t { table, json };

/// What `init` writes.
struct InitOptions {
    std::string cluster_id;
    std::string node_id;
    std::vector<std::string> servers;
    std::string vip;
    int vip_netmask = 24;
    std::string interface;
    bool force = false;  // replaces a file that is there
};

struct Command {
    std::string verb = "daemon";
    bool help = false;
    std::string config_path = "/etc/convex/cluster.json";
    std::vector<model::ConfigOverride> overrides;  // flags that count more than the file
    Output output = Output::table;
    InitOptions init;
    bool force = false;                                  // promote: waives rank, lag and nofailover
    model::Duration patience = std::chrono::minutes{2};  // promote, demote, join, leave
    int fd = -1;                                         // node: the socket to the warden
};

/// arguments: without the program's name. invalid: a usage error, to be shown with exit_usage; the
/// message names the word that is wrong.
[[nodiscard]] model::Result<Command> parse_command_line(const std::vector<std::string>& arguments);

[[nodiscard]] std::string help_text();

}  // namespace cli
