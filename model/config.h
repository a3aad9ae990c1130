// What a node is told by cluster.json, the environment and its flags: typed, checked, complete.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config_value.h"
#include "model/event_line.h"
#include "model/lease.h"
#include "model/result.h"
#include "model/time.h"

namespace model {

/// Where to listen or connect.
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// "host:port", "[address]:port" for IPv6. invalid: no host, or no port from 1 to 65535; the
/// message ends with `example`, one that is right.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text,
                                               std::string_view example = "0.0.0.0:8080");
[[nodiscard]] std::string to_text(const HostPort& address);

/// Files in PEM; "" = none.
struct TlsFiles {
    std::string ca;
    std::string cert;
    std::string key;
    friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

struct NatsConfig {
    std::vector<std::string> servers;  // URLs, each with its scheme
    std::string credentials;
    std::string user;
    std::string password;
    std::string password_file;
    std::string token_file;
    TlsFiles tls;
    int replicas = 0;  // 0: what the servers allow, at most 3
};

struct ElectionConfig {
    LeaseTiming timing;
    int priority = 100;
    bool nofailover = false;
};

struct WalConfig {
    std::string replica_path;
    Duration snapshot_interval{};
    Duration stream_retention{};
};

struct ProcessConfig {
    std::vector<std::string> command;
    std::string dir;  // "": /
    std::map<std::string, std::string> env;
    std::string user;
    std::string group;
    std::map<std::string, std::uint64_t> limits;
};

struct BackendConfig {
    enum class Kind : std::uint8_t { systemd, process, docker, exec };
    Kind kind = Kind::systemd;
    std::string data_path;
    std::string service_name;
    std::string health_endpoint;  // "": healthy while it runs
    Duration health_interval{};
    Duration health_timeout{};
    Duration start_timeout{};
    Duration stop_timeout{};
    ProcessConfig process;
};

[[nodiscard]] std::string_view to_text(BackendConfig::Kind kind);

struct VipConfig {
    std::string address;
    int prefix = 0;
    std::string interface;
    friend bool operator==(const VipConfig&, const VipConfig&) = default;
};

struct ServiceConfig {
    std::string name;
    std::uint16_t port = 0;
    std::string protocol;
    std::string path;
    std::string health_path;
    std::map<std::string, std::string> metadata;
    std::vector<std::string> tags;
};

struct LogConfig {
    EventLevel level = EventLevel::info;
    std::optional<LineFormat> format;  // empty: text, or the journal's under systemd
};

struct Config {
    std::string file;  // the path it was read from; "" = none
    std::string cluster_id;
    std::string node_id;
    std::string state_dir;
    std::string advertise;  // "": the address on the route to NATS
    NatsConfig nats;
    ElectionConfig election;
    WalConfig wal;
    BackendConfig backend;
    std::vector<VipConfig> vips;  // vip first; not active in this version
    std::vector<ServiceConfig> services;
    HostPort api;
    HostPort metrics;
    LogConfig log;
};

/// What is wrong with one value, or worth knowing about it.
struct ConfigProblem {
    std::string where;   // "PATH:LINE", "environment NODE_ID", "flag --node-id"
    std::string key;     // as in config_keys()
    std::string value;   // as it was written; "" = absent; secrets never
    std::string reason;  // what is wrong, and what to do
    friend bool operator==(const ConfigProblem&, const ConfigProblem&) = default;
};

/// "PATH:LINE: key = value: reason".
[[nodiscard]] std::string to_text(const ConfigProblem& problem);

/// A value that counts more than the file's.
struct ConfigOverride {
    std::string where;
    std::string key;
    ConfigValue value;
};

struct ConfigInput {
    std::string file;  // its path, for messages
    ConfigValue root;
    std::vector<ConfigOverride> overrides;  // a later one counts more
};

/// Overrides of CLUSTER_ID, NODE_ID and NATS_URL (its URLs separated by commas), of those that are
/// set and not empty.
[[nodiscard]] std::vector<ConfigOverride> environment_overrides(
    const std::map<std::string, std::string>& environment);

/// A list of URLs as flags and the environment carry them: separated by commas.
[[nodiscard]] ConfigValue url_list(std::string_view text);

struct ConfigOutcome {
    Config config;  // to be used only where there are no errors
    std::vector<ConfigProblem> errors;
    std::vector<ConfigProblem> warnings;
};

/// Reads, completes and checks; finds everything that is wrong, not only the first of it. Pure: the
/// caller looks at the disk (whether a path is a folder, whether others can read a secret).
[[nodiscard]] ConfigOutcome make_config(const ConfigInput& input);

/// What the rules about several values at once find in a complete configuration: timing, paths,
/// addresses. make_config includes it.
[[nodiscard]] std::vector<ConfigProblem> check_config(const Config& config);

/// empty, or why `id` cannot name a cluster or a node: both are parts of names in NATS.
[[nodiscard]] std::string why_no_cluster_id(std::string_view id);
[[nodiscard]] std::string why_no_node_id(std::string_view id);

}  // namespace model
