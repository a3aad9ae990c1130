#include "model/config_keys.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "model/result.h"

namespace model {
namespace {

using enum ConfigType;

constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
constexpr std::int64_t year_ms = 366 * day_ms;

// A table is read across.
// clang-format off
constexpr auto keys = std::to_array<ConfigKey>({
    {"clusterId", text, "", "", true, "name of the cluster; part of the names of its buckets", "", true},
    {"nodeId", text, "", "", true, "name of this node, unique in the cluster", "", true},
    {"stateDir", path, "/var/lib/convex/manager", "", true, "folder of the lock file, capture state and staged files"},
    {"advertise", text, "", "", true, "host that other nodes and clients use for this one", "the address on the route to NATS"},

    {"nats.servers", texts, "", "", true, "URLs of the NATS servers: nats://host:port, tls://host:port", "", true},
    {"nats.credentials", path, "", "", true, "credentials file (JWT and seed)"},
    {"nats.user", text, "", "", true, "login by user and password"},
    {"nats.password", text, "", "", true, "password of nats.user; better kept in a file of its own"},
    {"nats.passwordFile", path, "", "", true, "file that holds the password of nats.user"},
    {"nats.tokenFile", path, "", "", true, "file that holds a token to log in with"},
    {"nats.nkeySeedFile", path, "", "", false, "file that holds an NKey seed to log in with"},
    {"nats.tls.ca", path, "", "", true, "certificates that the servers' are checked against"},
    {"nats.tls.cert", path, "", "", true, "certificate of this client"},
    {"nats.tls.key", path, "", "", true, "key of nats.tls.cert"},
    {"nats.replicas", number, "", "", true, "copies of the buckets that we make", "what the servers allow, at most 3", false, 1, 5},

    {"election.leaderTtlMs", number, "10000", "ms", true, "time to live of the lease: after a crash another node takes over when it has passed", "", false, 1000, day_ms},
    {"election.heartbeatIntervalMs", number, "3000", "ms", true, "between two renewals of the lease; the ttl is at least three of them", "", false, 50, day_ms},
    {"election.fenceMarginMs", number, "", "ms", true, "how long before the lease ends a node that cannot renew it fences itself", "20 % of the ttl, at least 500", false, 500, day_ms},
    {"election.cooldownMs", number, "", "ms", true, "after a step-down this node does not try for the lease again before", "one ttl", false, 0, day_ms},
    {"election.priority", number, "100", "", true, "of two nodes with data of one tenure the larger number tries first", "", false, 0, 1'000'000},
    {"election.nofailover", boolean, "false", "", true, "true: this node never becomes primary"},

    {"wal.replicaPath", path, "/var/lib/convex/replica", "", true, "file that holds the copy of the database on a passive node"},
    {"wal.snapshotIntervalMs", number, "3600000", "ms", true, "between two snapshots in the object store", "", false, 1000, year_ms},
    {"wal.streamRetention", span, "24h", "", false, "how far back the log can be restored", "", false, 60'000, year_ms},
    {"wal.maxLagMs", number, "0", "ms", false, "holds writers while unshipped commits are older; 0 = off", "", false, 0, day_ms},
    {"wal.spoolMaxMb", number, "1024", "MB", false, "disk for what could not be uploaded", "", false, 1, 1'000'000'000},

    {"backend.kind", text, "", "", true, "how the backend is run; systemd, docker and exec have no effect in this version", "process where backend.process is set, else docker, exec by their own keys, else systemd", false, 0, 0, "systemd process docker exec"},
    {"backend.dataPath", path, "/var/lib/convex/data", "", true, "file of the backend's SQLite database"},
    {"backend.storagePath", path, "", "", false, "folder of files beside the database, mirrored"},
    {"backend.serviceName", text, "convex-backend", "", false, "systemd unit of the backend"},
    {"backend.healthEndpoint", text, "http://localhost:3210/version", "", true, "URL that answers 2xx while the backend is healthy; empty: it is healthy while it runs"},
    {"backend.healthIntervalMs", number, "5000", "ms", true, "between two health checks", "", false, 50, day_ms},
    {"backend.healthTimeoutMs", number, "3000", "ms", true, "a health check that takes longer has failed", "", false, 50, day_ms},
    {"backend.startTimeoutMs", number, "60000", "ms", true, "a backend that is not healthy so long after its start has failed", "", false, 100, day_ms},
    {"backend.stopTimeoutMs", number, "30000", "ms", true, "a backend that still runs so long after the stop signal is killed", "", false, 0, day_ms},
    {"backend.process.command", texts, "", "", true, "program and arguments; the program is an absolute path or found in PATH of backend.process.env"},
    {"backend.process.dir", path, "", "", true, "working directory", "/"},
    {"backend.process.env", text_map, "", "", true, "the whole environment; nothing is inherited"},
    {"backend.process.user", text, "", "", true, "user it runs as", "the daemon's"},
    {"backend.process.group", text, "", "", true, "group it runs as", "the user's own"},
    {"backend.process.limits", number_map, "", "", true, "resource limits, soft = hard: nofile, core, as, nproc"},
    {"backend.docker.container", text, "", "", false, "name of the container"},
    {"backend.docker.image", text, "", "", false, "image it is made from"},
    {"backend.docker.ports", texts, "", "", false, "published ports"},
    {"backend.docker.env", text_map, "", "", false, "its environment"},
    {"backend.docker.volumes", texts, "", "", false, "its volumes"},
    {"backend.docker.network", text, "", "", false, "its network"},
    {"backend.docker.socket", path, "", "", false, "socket of the engine", "/var/run/docker.sock"},
    {"backend.exec.start", texts, "", "", false, "command that starts the backend"},
    {"backend.exec.stop", texts, "", "", false, "command that stops it"},
    {"backend.exec.status", texts, "", "", false, "command that tells whether it runs"},
    {"backend.exec.env", text_map, "", "", false, "environment of the three commands"},
    {"backend.exec.timeoutMs", number, "", "ms", false, "a command that takes longer has failed", "", false, 1, day_ms},

    {"hooks.onActive", texts, "", "", false, "command run when this node has become primary"},
    {"hooks.onPassive", texts, "", "", false, "command run when it has become passive"},
    {"hooks.onLeaderChange", texts, "", "", false, "command run when the leader has changed"},
    {"hooks.timeoutMs", number, "", "ms", false, "a hook that takes longer is killed", "", false, 1, day_ms},

    {"vip.address", text, "", "", false, "virtual address that follows the lease"},
    {"vip.netmask", number, "24", "bits", false, "length of its prefix", "", false, 1, 128},
    {"vip.interface", text, "", "", false, "network interface that carries it; required with vip.address"},
    {"vip.onConflict", text, "wait", "", false, "what to do when another host has the address", "", false, 0, 0, "wait take"},
    {"vip.probeMs", number, "150", "ms", false, "how long the address is probed before it is bound", "", false, 0, 60'000},

    {"vips[].address", text, "", "", false, "one of several virtual addresses, IPv4 or IPv6"},
    {"vips[].prefix", number, "", "bits", false, "length of its prefix", "", false, 1, 128},
    {"vips[].interface", text, "", "", false, "network interface that carries it"},

    {"services.<name>.port", number, "", "", false, "port of a service of this node; required for each service", "", false, 1, 65535},
    {"services.<name>.protocol", text, "", "", false, "its protocol", "the service's name"},
    {"services.<name>.path", text, "", "", false, "its path, for the protocols that have one"},
    {"services.<name>.healthPath", text, "", "", false, "path that answers 2xx while it is healthy"},
    {"services.<name>.metadata", text_map, "", "", false, "facts about it, for its clients"},
    {"services.<name>.tags", texts, "", "", false, "words to find it by"},

    {"api.listen", text, "0.0.0.0:8080", "", true, "address of the API, host:port"},
    {"api.auth.tokenFile", path, "", "", false, "file that holds the token which unsafe requests must carry"},
    {"api.auth.clientCa", path, "", "", false, "certificates that clients' certificates are checked against"},
    {"api.tls.cert", path, "", "", false, "certificate of the API"},
    {"api.tls.key", path, "", "", false, "key of api.tls.cert"},
    {"api.allowRemoteStepdown", boolean, "false", "", false, "true: unsafe requests without authentication from other hosts too"},

    {"metrics.listen", text, "0.0.0.0:9090", "", true, "address of the metrics, host:port"},

    {"failsafe.enabled", boolean, "false", "", false, "true: a leader without NATS goes on while every other node promises not to take over"},
    {"failsafe.maxDurationMs", number, "600000", "ms", false, "no longer than this", "", false, 0, year_ms},

    {"watchdog.device", path, "", "", false, "hardware watchdog that resets a machine whose backend cannot be killed"},

    {"log.level", text, "info", "", true, "the least important events that are logged", "", false, 0, 0, "debug info warning error"},
    {"log.format", text, "", "", true, "how they are written", "text; journald under systemd", false, 0, 0, "text json journald"},
});
// clang-format on

/// Insertions, deletions and replacements from one text to the other, letters of either case alike.
std::size_t distance(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0U : 1U);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row[b.size()];
}

std::string_view last_part(std::string_view path) {
    const auto dot = path.rfind('.');
    return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

}  // namespace

std::string_view to_text(ConfigType type) {
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

std::span<const ConfigKey> config_keys() { return keys; }

const ConfigKey& config_key(std::string_view path) {
    const auto found = std::find_if(
        keys.begin(), keys.end(), [path](const ConfigKey& key) { return key.path == path; });
    check(found != keys.end(), path);
    return *found;
}

std::string_view alias_of(std::string_view path) {
    if (path == "election.leaderTtlMs") return "election.leaseTtlMs";
    if (path == "election.heartbeatIntervalMs") return "election.renewIntervalMs";
    return "";
}

std::string nearest_key(std::string_view path) {
    // A very long name resembles nothing, and measuring it would take its time.
    if (path.size() > 100) return {};
    std::string_view best;
    std::size_t least = std::max<std::size_t>(2, path.size() / 3) + 1;
    const auto consider = [&](std::string_view known, std::size_t far) {
        if (far < least) {
            least = far;
            best = known;
        }
    };
    for (const auto& key : keys) {
        consider(key.path, distance(path, key.path));
        // A section's own name may be the wrong one, with all that is in it.
        for (auto dot = key.path.find('.'); dot != std::string_view::npos;
             dot = key.path.find('.', dot + 1)) {
            const auto section = key.path.substr(0, dot);
            if (section.find_first_of("<[") != std::string_view::npos) break;
            consider(section, distance(path, section));
        }
        // The right word in the wrong section is the commonest mistake of all.
        if (last_part(key.path).size() > 3) {
            consider(key.path, 1 + distance(last_part(path), last_part(key.path)) * 2);
        }
    }
    return std::string{best};
}

std::string default_text(const ConfigKey& key) {
    if (key.required) return "required";
    if (!key.fallback_note.empty()) return std::string{key.fallback_note};
    return key.fallback.empty() ? "–" : std::string{key.fallback};
}

}  // namespace model
