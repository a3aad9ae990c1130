// Rules about several keys of a complete configuration.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <set>
#include <utility>

#include "config/config.h"
#include "config/escape.h"
#include "model/join.h"

namespace config {
namespace {

using std::chrono::milliseconds;

std::string ms(model::Duration d) { return std::to_string(model::to_ms(d)); }

/// "/a//b/./c/../d" as "/a/b/d", so that two spellings of one file compare equal. Symbolic links
/// are not followed.
std::string plain_path(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        const auto part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
        } else {
            parts.push_back(part);
        }
    }
    std::string plain;
    for (const auto part : parts) {
        plain += '/';
        plain += part;
    }
    return plain.empty() ? "/" : plain;
}

bool inside(const std::string& path, const std::string& directory) {
    return path.size() > directory.size() && path.starts_with(directory) &&
           (directory == "/" || path[directory.size()] == '/');
}

class Checker {
public:
    explicit Checker(const Config& config) : config_{config} {}

    std::vector<Problem> run() {
        timing();
        paths();
        login();
        listeners();
        backend();
        return std::move(problems_);
    }

private:
    void problem(std::string key, std::string value, std::string reason) {
        problems_.push_back({config_.file, std::move(key), std::move(value), std::move(reason)});
    }

    void timing() {
        const auto& [ttl, heartbeat, margin, cooldown] = config_.election.timing;
        if (ttl < 3 * heartbeat) {
            problem("election.leaderTtlMs",
                    ms(ttl),
                    "must be at least three heartbeats (3 x heartbeatIntervalMs = " +
                        ms(3 * heartbeat) +
                        "), or one lost renewal ends a reign; raise leaderTtlMs or lower "
                        "heartbeatIntervalMs");
        }
        const model::Duration least = least_margin(ttl);
        if (margin < least) {
            problem("election.fenceMarginMs",
                    ms(margin),
                    "must be at least 20 % of leaderTtlMs and 500 (here " + ms(least) +
                        "), or the backend may outlive the lease; raise it or leave it out");
        }
        const model::Duration needed = 2 * heartbeat + milliseconds{250};
        if (ttl - margin < needed) {
            problem("election.leaderTtlMs",
                    ms(ttl),
                    "less fenceMarginMs (" + ms(margin) +
                        ") must leave 2 x heartbeatIntervalMs + 250 (here " + ms(needed) +
                        "), or a node fences itself before it can renew twice; raise leaderTtlMs "
                        "or lower heartbeatIntervalMs");
        }
        // W4: the kernel ends an address whole seconds after it was bound, up to 1.1 s late (or
        // more, above 16 s), and before the lease.
        const model::Duration bound =
            std::chrono::floor<std::chrono::seconds>(ttl - milliseconds{1'160});
        if (!config_.vips.empty() && bound < heartbeat + milliseconds{250}) {
            problem("election.leaderTtlMs",
                    ms(ttl),
                    "leaves a virtual address " + ms(bound) +
                        " ms, less than heartbeatIntervalMs + 250: it would end before it is "
                        "extended; raise leaderTtlMs or lower heartbeatIntervalMs");
        }
    }

    void paths() {
        const auto file = [this](const char* key, const std::string& path) {
            if (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..")) {
                problem(
                    key,
                    path,
                    "is a directory, and a file belongs here; name the file in it, for example " +
                        plain_path(path + "/db.sqlite3"));
            }
        };
        const auto& data = config_.backend.data_path;
        const auto& replica = config_.wal.replica_path;
        const auto& state = config_.state_dir;
        file("backend.dataPath", data);
        file("wal.replicaPath", replica);

        // SQLite and this program create files beside these two, named after them.
        const auto plain_data = plain_path(data);
        const auto plain_replica = plain_path(replica);
        const auto plain_state = plain_path(state);
        for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
            if (plain_replica == plain_data + suffix) {
                problem("wal.replicaPath",
                        replica,
                        "is backend.dataPath or a file that SQLite keeps beside it; the copy needs "
                        "a file of its own, in the same file system");
            } else if (*suffix != '\0' && plain_data == plain_replica + suffix) {
                problem("backend.dataPath",
                        data,
                        "is a file that SQLite would keep beside wal.replicaPath; name another");
            }
        }
        if (inside(plain_replica, plain_data) || inside(plain_data, plain_replica)) {
            problem("wal.replicaPath",
                    replica,
                    "and backend.dataPath (" + data +
                        ") lie one inside the other; both are files: name two");
        }
        const auto not_in_state = [&](const char* key, const std::string& plain) {
            if (plain == plain_state || inside(plain, plain_state)) {
                problem(key,
                        plain,
                        "lies in stateDir (" + state +
                            "), which holds the manager's own files; name a file elsewhere");
            } else if (inside(plain_state, plain)) {
                problem("stateDir",
                        state,
                        "lies below " + std::string{key} + " (" + plain +
                            "), which is a file; name a directory elsewhere");
            }
        };
        not_in_state("backend.dataPath", plain_data);
        not_in_state("wal.replicaPath", plain_replica);
    }

    void login() {
        const auto& nats = config_.nats;
        std::vector<std::string> kinds;
        if (!nats.credentials.empty()) kinds.emplace_back("nats.credentials");
        if (!nats.user.empty()) kinds.emplace_back("nats.user");
        if (!nats.token_file.empty()) kinds.emplace_back("nats.tokenFile");
        if (kinds.size() > 1) {
            problem(kinds[1],
                    "",
                    "one kind of login is used, and several are given (" +
                        model::join(kinds, ", ") + "); keep one");
        }
        if (!nats.password.empty() && !nats.password_file.empty()) {
            problem("nats.passwordFile",
                    nats.password_file,
                    "nats.password is given too; keep one of the two");
        }
        const bool password = !nats.password.empty() || !nats.password_file.empty();
        if (password && nats.user.empty()) {
            problem("nats.user", "", "is missing, and a password is given; name its user");
        }
        if (!password && !nats.user.empty()) {
            problem("nats.passwordFile", "", "is missing, and nats.user is given; name the file");
        }
        if (nats.tls.cert.empty() != nats.tls.key.empty()) {
            const bool cert = nats.tls.cert.empty();
            problem(cert ? "nats.tls.cert" : "nats.tls.key",
                    "",
                    std::string{"is missing, and "} + (cert ? "nats.tls.key" : "nats.tls.cert") +
                        " is given; a client certificate needs both");
        }
    }

    void listeners() {
        const auto& api = config_.api;
        const auto& metrics = config_.metrics;
        if (api.port == 0 || api.port != metrics.port) return;
        const bool any = api.host == "0.0.0.0" || metrics.host == "0.0.0.0";
        if (any || api.host == metrics.host) {
            problem("metrics.listen",
                    to_text(metrics),
                    "takes the port of api.listen (" + to_text(api) + "); name another");
        }
    }

    void backend() {
        const auto& backend = config_.backend;
        if (backend.kind == Backend::Kind::process && backend.process.command.empty()) {
            problem("backend.process.command",
                    "",
                    "is missing, and backend.kind is process; give the program and its arguments");
        }
        if (!backend.process.command.empty() && backend.process.command.front().empty()) {
            problem("backend.process.command", "", "begins with an empty word; name the program");
        }
        if (auto why = why_it_escapes(service_program(backend.process.command)); !why.empty()) {
            problem("backend.process.command", "", std::move(why));
        }
        if (backend.health_timeout > backend.start_timeout) {
            problem("backend.startTimeoutMs",
                    ms(backend.start_timeout),
                    "is shorter than one health check may take (healthTimeoutMs = " +
                        ms(backend.health_timeout) + "); raise it");
        }
        for (const auto& [name, value] : backend.process.env) {
            if (name.empty() || name.find('=') != std::string::npos) {
                problem("backend.process.env",
                        name,
                        "is no name of a variable; it must not be empty nor contain \"=\"");
            }
        }
        const std::set<std::string, std::less<>> known{"as", "core", "nofile", "nproc"};
        for (const auto& [name, value] : backend.process.limits) {
            if (!known.contains(name)) {
                problem("backend.process.limits",
                        name,
                        "is no limit that is known; there are as, core, nofile, nproc");
            }
        }
    }

    const Config& config_;
    std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> check(const Config& config) { return Checker{config}.run(); }

}  // namespace config
