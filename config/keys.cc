#include "config/keys.h"

#include <algorithm>
#include <array>

#include "config/config.h"
#include "config/validate.h"
#include "model/ids.h"
#include "model/result.h"

namespace config {
namespace {

using enum Type;

constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
constexpr std::int64_t year_ms = 366 * day_ms;

// Columns: path, type, default and range, how it is checked and shown, its field, its purpose.
// clang-format off
constexpr auto table = std::to_array<Key>({
    {.path = "clusterId", .type = text, .required = true, .active = true,
     .environment = "CLUSTER_ID", .validate = validate::cluster_id,
     .field = [](Config& c) { return Field{&c.cluster_id}; },
     .purpose = "name of the cluster; part of the names of its buckets"},
    {.path = "nodeId", .type = text, .required = true, .active = true, .environment = "NODE_ID",
     .validate = validate::node_id, .field = [](Config& c) { return Field{&c.node_id}; },
     .purpose = "name of this node, unique in the cluster"},
    {.path = "stateDir", .type = path, .fallback = "/var/lib/convex/manager", .active = true,
     .field = [](Config& c) { return Field{&c.state_dir}; },
     .purpose = "directory of the lock file, capture state and staged files"},
    {.path = "advertise", .type = text, .fallback_note = "the address on the route to NATS",
     .active = true, .validate = validate::host,
     .field = [](Config& c) { return Field{&c.advertise}; },
     .purpose = "host that other nodes and clients use for this one"},

    {.path = "nats.servers", .type = texts, .required = true, .active = true,
     .environment = "NATS_URL", .validate = validate::servers, .show = show::without_logins,
     .field = [](Config& c) { return Field{&c.nats.servers}; },
     .purpose = "URLs of the NATS servers: nats://host:port, tls://host:port"},
    {.path = "nats.credentials", .type = path, .active = true, .file = FileRule::secret,
     .field = [](Config& c) { return Field{&c.nats.credentials}; },
     .purpose = "credentials file (JWT and seed)"},
    {.path = "nats.user", .type = text, .active = true,
     .field = [](Config& c) { return Field{&c.nats.user}; },
     .purpose = "login by user and password"},
    {.path = "nats.password", .type = text, .active = true, .file = FileRule::secret,
     .show = show::nothing, .field = [](Config& c) { return Field{&c.nats.password}; },
     .purpose = "password of nats.user; better kept in a file of its own"},
    {.path = "nats.passwordFile", .type = path, .active = true, .file = FileRule::secret,
     .field = [](Config& c) { return Field{&c.nats.password_file}; },
     .purpose = "file that holds the password of nats.user"},
    {.path = "nats.tokenFile", .type = path, .active = true, .file = FileRule::secret,
     .field = [](Config& c) { return Field{&c.nats.token_file}; },
     .purpose = "file that holds a token to log in with"},
    {.path = "nats.nkeySeedFile", .type = path,
     .purpose = "file that holds an NKey seed to log in with"},
    {.path = "nats.tls.ca", .type = path, .active = true, .file = FileRule::readable,
     .field = [](Config& c) { return Field{&c.nats.tls.ca}; },
     .purpose = "certificates that the servers' are checked against"},
    {.path = "nats.tls.cert", .type = path, .active = true, .file = FileRule::readable,
     .field = [](Config& c) { return Field{&c.nats.tls.cert}; },
     .purpose = "certificate of this client"},
    {.path = "nats.tls.key", .type = path, .active = true, .file = FileRule::secret,
     .field = [](Config& c) { return Field{&c.nats.tls.key}; },
     .purpose = "key of nats.tls.cert"},
    {.path = "nats.replicas", .type = number, .fallback_note = "what the servers allow, at most 3",
     .least = 1, .most = 5, .active = true,
     .field = [](Config& c) { return Field{&c.nats.replicas}; },
     .purpose = "copies of the buckets that we make"},

    {.path = "election.leaderTtlMs", .type = number, .fallback = "10000", .unit = "ms",
     .least = 1000, .most = day_ms, .active = true, .alias = "leaseTtlMs",
     .field = [](Config& c) { return Field{&c.election.timing.ttl}; },
     .purpose = "time to live of the lease: after a crash another node takes over when it has passed"},
    {.path = "election.heartbeatIntervalMs", .type = number, .fallback = "3000", .unit = "ms",
     .least = 50, .most = day_ms, .active = true, .alias = "renewIntervalMs",
     .field = [](Config& c) { return Field{&c.election.timing.heartbeat}; },
     .purpose = "between two renewals of the lease; the ttl is at least three of them"},
    {.path = "election.fenceMarginMs", .type = number,
     .fallback_note = "20 % of the ttl, at least 500", .unit = "ms", .least = 500, .most = day_ms,
     .active = true, .field = [](Config& c) { return Field{&c.election.timing.margin}; },
     .purpose = "how long before the lease ends a node that cannot renew it fences itself"},
    {.path = "election.cooldownMs", .type = number, .fallback_note = "one ttl", .unit = "ms",
     .most = day_ms, .active = true,
     .field = [](Config& c) { return Field{&c.election.timing.cooldown}; },
     .purpose = "after a step-down this node does not try for the lease again before"},
    {.path = "election.priority", .type = number, .fallback = "100", .most = 1'000'000,
     .active = true, .field = [](Config& c) { return Field{&c.election.priority}; },
     .purpose = "of two nodes with data of one tenure the larger number tries first"},
    {.path = "election.nofailover", .type = boolean, .fallback = "false", .active = true,
     .field = [](Config& c) { return Field{&c.election.nofailover}; },
     .purpose = "true: this node never becomes primary"},

    {.path = "wal.replicaPath", .type = path, .fallback = "/var/lib/convex/replica", .active = true,
     .field = [](Config& c) { return Field{&c.wal.replica_path}; },
     .purpose = "file that holds the copy of the database on a passive node"},
    {.path = "wal.snapshotIntervalMs", .type = number, .fallback = "3600000", .unit = "ms",
     .least = 1000, .most = year_ms, .active = true,
     .field = [](Config& c) { return Field{&c.wal.snapshot_interval}; },
     .purpose = "between two snapshots in the object store"},
    {.path = "wal.streamRetention", .type = span, .fallback = "24h", .least = 60'000,
     .most = year_ms, .field = [](Config& c) { return Field{&c.wal.stream_retention}; },
     .purpose = "how far back the log can be restored"},
    {.path = "wal.maxLagMs", .type = number, .fallback = "0", .unit = "ms", .most = day_ms,
     .purpose = "holds writers while unshipped commits are older; 0 = off"},
    {.path = "wal.spoolMaxMb", .type = number, .fallback = "1024", .unit = "MB", .least = 1,
     .most = 1'000'000'000,
     .purpose = "disk for what could not be uploaded"},

    {.path = "backend.kind", .type = text,
     .fallback_note = "process where backend.process is set, else docker, exec by their own keys, else systemd",
     .choices = "systemd process docker exec", .active = true,
     .purpose = "how the backend is run; a daemon with docker or exec does not start in this version"},
    {.path = "backend.dataPath", .type = path, .fallback = "/var/lib/convex/data", .active = true,
     .field = [](Config& c) { return Field{&c.backend.data_path}; },
     .purpose = "file of the backend's SQLite database"},
    {.path = "backend.storagePath", .type = path,
     .purpose = "directory of files beside the database, mirrored"},
    {.path = "backend.serviceName", .type = text, .fallback = "convex-backend", .active = true,
     .validate = validate::service_name,
     .field = [](Config& c) { return Field{&c.backend.service_name}; },
     .purpose = "systemd unit of the backend, with or without .service; for the kind systemd"},
    {.path = "backend.healthEndpoint", .type = text, .fallback = "http://localhost:3210/version",
     .active = true, .validate = validate::health_endpoint,
     .field = [](Config& c) { return Field{&c.backend.health_endpoint}; },
     .purpose = "URL that answers 2xx while the backend is healthy; empty: it is healthy while it runs"},
    {.path = "backend.healthIntervalMs", .type = number, .fallback = "5000", .unit = "ms",
     .least = 50, .most = day_ms, .active = true,
     .field = [](Config& c) { return Field{&c.backend.health_interval}; },
     .purpose = "between two health checks"},
    {.path = "backend.healthTimeoutMs", .type = number, .fallback = "3000", .unit = "ms",
     .least = 50, .most = day_ms, .active = true,
     .field = [](Config& c) { return Field{&c.backend.health_timeout}; },
     .purpose = "a health check that takes longer has failed"},
    {.path = "backend.startTimeoutMs", .type = number, .fallback = "60000", .unit = "ms",
     .least = 100, .most = day_ms, .active = true,
     .field = [](Config& c) { return Field{&c.backend.start_timeout}; },
     .purpose = "a backend that is not healthy so long after its start has failed"},
    {.path = "backend.stopTimeoutMs", .type = number, .fallback = "30000", .unit = "ms",
     .most = day_ms, .active = true,
     .field = [](Config& c) { return Field{&c.backend.stop_timeout}; },
     .purpose = "a backend that still runs so long after the stop signal is killed"},
    {.path = "backend.process.command", .type = texts, .active = true,
     .field = [](Config& c) { return Field{&c.backend.process.command}; },
     .purpose = "program and arguments; the program is an absolute path or found in PATH of backend.process.env; one that has others run the service (docker, sudo, ssh, systemd-run and the like, also behind env or sh -c) is refused"},
    {.path = "backend.process.dir", .type = path, .fallback_note = "/", .active = true,
     .field = [](Config& c) { return Field{&c.backend.process.dir}; },
     .purpose = "working directory"},
    {.path = "backend.process.env", .type = text_map, .active = true, .show = show::nothing,
     .field = [](Config& c) { return Field{&c.backend.process.env}; },
     .purpose = "the whole environment; nothing is inherited"},
    {.path = "backend.process.user", .type = text, .fallback_note = "the daemon's", .active = true,
     .field = [](Config& c) { return Field{&c.backend.process.user}; },
     .purpose = "user it runs as"},
    {.path = "backend.process.group", .type = text, .fallback_note = "the user's own",
     .active = true, .field = [](Config& c) { return Field{&c.backend.process.group}; },
     .purpose = "group it runs as"},
    {.path = "backend.process.limits", .type = number_map, .active = true,
     .field = [](Config& c) { return Field{&c.backend.process.limits}; },
     .purpose = "resource limits, soft = hard: nofile, core, as, nproc"},
    {.path = "backend.docker.container", .type = text,
     .purpose = "name of the container"},
    {.path = "backend.docker.image", .type = text,
     .purpose = "image it is made from"},
    {.path = "backend.docker.ports", .type = texts,
     .purpose = "published ports"},
    {.path = "backend.docker.env", .type = text_map, .show = show::nothing,
     .purpose = "its environment"},
    {.path = "backend.docker.volumes", .type = texts,
     .purpose = "its volumes"},
    {.path = "backend.docker.network", .type = text,
     .purpose = "its network"},
    {.path = "backend.docker.socket", .type = path, .fallback_note = "/var/run/docker.sock",
     .purpose = "socket of the engine"},
    {.path = "backend.exec.start", .type = texts,
     .purpose = "command that starts the backend"},
    {.path = "backend.exec.stop", .type = texts,
     .purpose = "command that stops it"},
    {.path = "backend.exec.status", .type = texts,
     .purpose = "command that tells whether it runs"},
    {.path = "backend.exec.env", .type = text_map, .show = show::nothing,
     .purpose = "environment of the three commands"},
    {.path = "backend.exec.timeoutMs", .type = number, .unit = "ms", .least = 1, .most = day_ms,
     .purpose = "a command that takes longer has failed"},

    {.path = "hooks.onActive", .type = texts,
     .purpose = "command run when this node has become primary"},
    {.path = "hooks.onPassive", .type = texts,
     .purpose = "command run when it has become passive"},
    {.path = "hooks.onLeaderChange", .type = texts,
     .purpose = "command run when the leader has changed"},
    {.path = "hooks.timeoutMs", .type = number, .unit = "ms", .least = 1, .most = day_ms,
     .purpose = "a hook that takes longer is killed"},

    {.path = "vip.address", .type = text, .active = true, .validate = validate::ip_address,
     .purpose = "virtual address that follows the lease, IPv4 or IPv6"},
    {.path = "vip.netmask", .type = number, .fallback_note = "the address alone: 32, IPv6 128",
     .unit = "bits", .least = 1, .most = 128, .active = true,
     .purpose = "length of its prefix"},
    {.path = "vip.interface", .type = text, .active = true, .validate = validate::interface_name,
     .purpose = "network interface that carries it; required with vip.address"},
    {.path = "vip.onConflict", .type = text, .fallback = "wait", .choices = "wait take",
     .active = true,
     .purpose = "what to do when another host has an address: wait until it has not, or take it"},
    {.path = "vip.probeMs", .type = number, .fallback = "150", .unit = "ms", .most = 60'000,
     .active = true, .field = [](Config& c) { return Field{&c.vip.probe}; },
     .purpose = "how long other hosts are asked for an address before it is bound; 0: they are not"},
    {.path = "vip.linkDownMs", .type = number, .fallback = "3000", .unit = "ms", .most = day_ms,
     .active = true, .field = [](Config& c) { return Field{&c.vip.link_down}; },
     .purpose = "a node whose interface of an address has no carrier for longer is unfit and hands over"},

    {.path = "vips[].address", .type = text, .active = true, .validate = validate::ip_address,
     .purpose = "one of several virtual addresses, IPv4 or IPv6"},
    {.path = "vips[].prefix", .type = number, .fallback_note = "the address alone: 32, IPv6 128",
     .unit = "bits", .least = 1, .most = 128, .active = true,
     .purpose = "length of its prefix"},
    {.path = "vips[].interface", .type = text, .active = true,
     .validate = validate::interface_name,
     .purpose = "network interface that carries it"},

    {.path = "services.<name>.port", .type = number, .least = 1, .most = 65535, .active = true,
     .purpose = "port of a service of this node; required for each service"},
    {.path = "services.<name>.protocol", .type = text, .fallback_note = "the service's name",
     .active = true,
     .purpose = "its protocol: http, https, tcp, syslog, ..."},
    {.path = "services.<name>.path", .type = text, .active = true,
     .purpose = "its path, for the protocols that have one"},
    {.path = "services.<name>.healthPath", .type = text, .active = true,
     .validate = validate::url_path,
     .purpose = "short for check.path"},
    {.path = "services.<name>.metadata", .type = text_map, .active = true,
     .purpose = "facts about it, for its clients"},
    {.path = "services.<name>.tags", .type = texts, .active = true,
     .purpose = "words to find it by"},
    {.path = "services.<name>.address", .type = text, .fallback_note = "advertise, else the address on the route to NATS",
     .active = true, .validate = validate::host,
     .purpose = "host that clients use for it; a loopback address only where it is given here or in advertise"},
    {.path = "services.<name>.boundTo", .type = text, .fallback_note = "node; of the service http primary",
     .choices = "primary node", .active = true,
     .purpose = "primary: it is passing on the primary and standby elsewhere; node: passing wherever its check passes"},
    {.path = "services.<name>.internal", .type = boolean, .fallback = "false", .active = true,
     .purpose = "true: it is listed, and in no export"},
    {.path = "services.<name>.check.path", .type = text, .active = true,
     .validate = validate::url_path,
     .purpose = "path that is asked for, over https where that is the protocol; a check without one connects only"},
    {.path = "services.<name>.check.intervalMs", .type = number, .fallback = "10000", .unit = "ms",
     .least = 100, .most = day_ms, .active = true,
     .purpose = "between two checks"},
    {.path = "services.<name>.check.timeoutMs", .type = number, .fallback = "3000", .unit = "ms",
     .least = 50, .most = 60'000, .active = true,
     .purpose = "a check that takes longer has failed"},
    {.path = "services.<name>.check.expectedStatus", .type = number, .fallback = "200",
     .least = 100, .most = 599, .active = true,
     .purpose = "status of a good answer; 429 is a warning, any other critical"},
    {.path = "services.<name>.check.expectedBody", .type = text, .active = true,
     .purpose = "text that is in the first 64 KiB of a good answer's body"},

    {.path = "api.listen", .type = text, .fallback = "0.0.0.0:8080", .active = true,
     .validate = validate::listener, .field = [](Config& c) { return Field{&c.api}; },
     .purpose = "address of the API, host:port"},
    {.path = "api.auth.tokenFile", .type = path,
     .purpose = "file that holds the token which unsafe requests must carry"},
    {.path = "api.auth.clientCa", .type = path,
     .purpose = "certificates that clients' certificates are checked against"},
    {.path = "api.tls.cert", .type = path,
     .purpose = "certificate of the API"},
    {.path = "api.tls.key", .type = path,
     .purpose = "key of api.tls.cert"},
    {.path = "api.allowRemoteStepdown", .type = boolean, .fallback = "false", .active = true,
     .field = [](Config& c) { return Field{&c.allow_remote_stepdown}; },
     .purpose = "true: whoever may publish in NATS may have this node step down (the micro service's stepdown)"},

    {.path = "metrics.listen", .type = text, .fallback = "0.0.0.0:9090", .active = true,
     .validate = validate::listener, .field = [](Config& c) { return Field{&c.metrics}; },
     .purpose = "address of the metrics, host:port"},

    {.path = "failsafe.enabled", .type = boolean, .fallback = "false",
     .purpose = "true: a leader without NATS goes on while every other node promises not to take over"},
    {.path = "failsafe.maxDurationMs", .type = number, .fallback = "600000", .unit = "ms",
     .most = year_ms,
     .purpose = "no longer than this"},

    {.path = "watchdog.device", .type = path,
     .purpose = "hardware watchdog that resets a machine whose backend cannot be killed"},

    {.path = "log.level", .type = text, .fallback = "info", .choices = "debug info warning error",
     .active = true, .field = [](Config& c) { return Field{&c.log.level}; },
     .purpose = "the least important events that are logged"},
    {.path = "log.format", .type = text, .fallback_note = "text; journald under systemd",
     .choices = "text json journald", .active = true,
     .field = [](Config& c) { return Field{&c.log.format}; },
     .purpose = "how they are written"},
});
// clang-format on

}  // namespace

std::string_view to_text(Type type) {
    switch (type) {
        case text:
            return "text";
        case path:
            return "path";
        case number:
            return "number";
        case boolean:
            return "boolean";
        case span:
            return "duration text";
        case texts:
            return "list of text";
        case text_map:
            return "map of text";
        case number_map:
            return "map of numbers";
    }
    return "?";
}

std::span<const Key> keys() { return table; }

const Key& find_key(std::string_view path) {
    const auto found = std::find_if(
        table.begin(), table.end(), [path](const Key& key) { return key.path == path; });
    model::check(found != table.end(), path);
    return *found;
}

Value fallback_value(const Key& key) {
    switch (key.type) {
        case number:
            return {key.fallback.empty()
                        ? std::int64_t{0}
                        : static_cast<std::int64_t>(*model::parse_number(key.fallback))};
        case boolean:
            return {key.fallback == "true"};
        case texts:
            return {Value::List{}};
        case text_map:
        case number_map:
            return {Value::Map{}};
        case text:
        case path:
        case span:
            break;
    }
    return {std::string{key.fallback}};
}

std::string default_text(const Key& key) {
    if (key.required) return "required";
    if (!key.fallback_note.empty()) return std::string{key.fallback_note};
    return key.fallback.empty() ? "–" : std::string{key.fallback};
}

}  // namespace config
