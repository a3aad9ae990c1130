// The configuration of a node, from cluster.json, the environment and flags: typed, checked,
// complete.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/value.h"
#include "model/event_line.h"
#include "model/host_port.h"
#include "model/lease.h"
#include "model/result.h"
#include "model/time.h"

namespace config {

/// PEM files; "" = none.
struct TlsFiles {
    std::string ca;
    std::string cert;
    std::string key;
    friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

struct Nats {
    std::vector<std::string> servers;  // URLs, each with its scheme
    std::string credentials;
    std::string user;
    std::string password;
    std::string password_file;
    std::string token_file;
    TlsFiles tls;
    int replicas = 0;  // 0: what the servers allow, at most 3
    friend bool operator==(const Nats&, const Nats&) = default;
};

struct Election {
    model::LeaseTiming timing;
    int priority = 100;
    bool nofailover = false;
    friend bool operator==(const Election&, const Election&) = default;
};

struct Wal {
    std::string replica_path;
    model::Duration snapshot_interval{};
    model::Duration stream_retention{};
    friend bool operator==(const Wal&, const Wal&) = default;
};

struct Process {
    std::vector<std::string> command;
    std::string dir;  // "": /
    std::map<std::string, std::string> env;
    std::string user;
    std::string group;
    std::map<std::string, std::uint64_t> limits;
    friend bool operator==(const Process&, const Process&) = default;
};

struct Backend {
    enum class Kind : std::uint8_t { systemd, process, docker, exec };
    Kind kind = Kind::systemd;
    std::string data_path;
    std::string service_name;
    std::string health_endpoint;  // "": healthy while its process runs
    model::Duration health_interval{};
    model::Duration health_timeout{};
    model::Duration start_timeout{};
    model::Duration stop_timeout{};
    Process process;
    friend bool operator==(const Backend&, const Backend&) = default;
};

[[nodiscard]] std::string_view to_text(Backend::Kind kind);

struct Vip {
    std::string address;
    int prefix = 0;
    std::string interface;
    friend bool operator==(const Vip&, const Vip&) = default;
};

/// How the virtual addresses are bound.
struct VipRules {
    bool take_on_conflict = false;  // although another host has the address
    model::Duration probe{};        // others are asked for it for so long before; zero: not
    model::Duration link_down{};    // a carrier lost for longer makes the node unfit
    friend bool operator==(const VipRules&, const VipRules&) = default;
};

struct Service {
    struct Check {
        std::string path;  // "": it connects, and asks for nothing
        model::Duration interval{};
        model::Duration timeout{};
        int expected_status = 0;
        std::string expected_body;
        friend bool operator==(const Check&, const Check&) = default;
    };
    std::string name;
    std::uint16_t port = 0;
    std::string protocol;
    std::string path;
    std::map<std::string, std::string> metadata;
    std::vector<std::string> tags;
    std::string address;  // "": the node's
    bool bound_to_primary = false;
    bool internal = false;
    std::optional<Check> check;
    friend bool operator==(const Service&, const Service&) = default;
};

struct Log {
    model::EventLevel level = model::EventLevel::info;
    std::optional<model::LineFormat> format;  // empty: text, or the journal's under systemd
    friend bool operator==(const Log&, const Log&) = default;
};

struct Config {
    std::string file;  // the path it was read from; "" = none
    std::string cluster_id;
    std::string node_id;
    std::string state_dir;
    std::string advertise;  // "": the address on the route to NATS
    Nats nats;
    Election election;
    Wal wal;
    Backend backend;
    std::vector<Vip> vips;  // `vip` first, then `vips`
    VipRules vip;
    std::vector<Service> services;
    model::HostPort api;
    bool allow_remote_stepdown = false;
    model::HostPort metrics;
    Log log;
    friend bool operator==(const Config&, const Config&) = default;
};

/// An error or a warning about one value.
/// Of a lease: 20 % of its ttl, and 500 ms. The default fence margin, and the least that is
/// accepted.
[[nodiscard]] model::Duration least_margin(model::Duration ttl);

struct Problem {
    std::string where;   // "PATH:LINE", "environment NODE_ID", "flag --node-id"
    std::string key;     // as in keys()
    std::string value;   // as it was written; "" = absent; secrets never
    std::string reason;  // what is wrong, and what to do
    friend bool operator==(const Problem&, const Problem&) = default;
};

/// "WHERE: key = value: reason".
[[nodiscard]] std::string to_text(const Problem& problem);
/// One problem a line.
[[nodiscard]] std::string to_text(const std::vector<Problem>& problems);

/// A value that takes precedence over the file's.
struct Override {
    std::string where;
    std::string key;
    Value value;
};

struct Input {
    std::string file;  // path, for messages
    Value root;
    std::vector<Override> overrides;  // a later one takes precedence
};

/// Overrides from CLUSTER_ID, NODE_ID and NATS_URL (URLs separated by commas), for those that are
/// set and not empty.
[[nodiscard]] std::vector<Override> environment_overrides(
    const std::map<std::string, std::string>& environment);

/// A list of URLs separated by commas, as flags and the environment have it.
[[nodiscard]] Value url_list(std::string_view text);

/// What is wrong with a configuration.
struct Problems {
    std::vector<Problem> errors;
    std::vector<Problem> warnings;

    void error(std::string where, std::string key, std::string value, std::string reason);
    void warn(std::string where, std::string key, std::string value, std::string reason);
};

struct Outcome : Problems {
    Config config;  // to be used only where `errors` is empty
};

/// Parses, fills in defaults and checks; reports every error, not only the first. Pure: what only
/// the disk can tell (whether a path is a directory, whether others can read a secret) is left to
/// the caller.
[[nodiscard]] Outcome build(const Input& input);

/// Checks the rules about several values of a complete configuration: timing, paths, addresses.
/// build() includes it.
[[nodiscard]] std::vector<Problem> check(const Config& config);

}  // namespace config
