// From the keys that were given to a Config: defaults filled in, rules about several values kept.
#include "model/config.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "model/config_given.h"
#include "model/duration_text.h"

namespace model {
namespace {

using std::chrono::milliseconds;

class Maker {
public:
    explicit Maker(const ConfigInput& input) : input_{input}, given_{find_given(input)} {}

    ConfigOutcome run() {
        out_.errors = given_.errors;
        out_.warnings = given_.warnings;
        fill();
        warn_of_kind();
        // A rule about several values says nothing useful where one of them is wrong by itself.
        for (auto& problem : check_config(out_.config)) {
            if (already_wrong(problem.key)) continue;
            if (const auto* given = find(problem.key)) problem.where = given->where;
            out_.errors.push_back(std::move(problem));
        }
        return std::move(out_);
    }

private:
    const Given* find(std::string_view path) const {
        for (const auto& given : given_.keys) {
            if (given.path == path) return &given;
        }
        return nullptr;
    }

    /// The value that counts, if it is there and right.
    const ConfigValue* right(std::string_view path) const {
        const auto* given = find(path);
        return given == nullptr || already_wrong(path) ? nullptr : given->value;
    }

    bool already_wrong(std::string_view path) const {
        return std::any_of(out_.errors.begin(), out_.errors.end(), [path](const auto& problem) {
            return problem.key == path;
        });
    }

    std::string text(std::string_view path) const {
        const auto* value = right(path);
        return value != nullptr ? std::get<std::string>(value->data)
                                : std::string{config_key(path).fallback};
    }

    std::optional<std::int64_t> given_number(std::string_view path) const {
        const auto* value = right(path);
        return value != nullptr ? integer(*value) : std::nullopt;
    }

    std::int64_t number(std::string_view path) const {
        const auto fallback = config_key(path).fallback;
        return given_number(path).value_or(
            fallback.empty() ? 0 : static_cast<std::int64_t>(*parse_number(fallback)));
    }

    Duration ms(std::string_view path) const { return milliseconds{number(path)}; }

    bool boolean(std::string_view path) const {
        const auto* value = right(path);
        return value != nullptr ? std::get<bool>(value->data) : config_key(path).fallback == "true";
    }

    Duration span(std::string_view path) const { return *parse_duration(text(path)); }

    static std::vector<std::string> texts(const ConfigValue* value) {
        std::vector<std::string> list;
        if (value == nullptr) return list;
        for (const auto& element : std::get<ConfigValue::List>(value->data))
            list.push_back(std::get<std::string>(element.data));
        return list;
    }

    static std::map<std::string, std::string> text_map(const ConfigValue* value) {
        std::map<std::string, std::string> map;
        if (value == nullptr) return map;
        for (const auto& [name, element] : std::get<ConfigValue::Map>(value->data))
            map[name] = std::get<std::string>(element.data);
        return map;
    }

    static std::map<std::string, std::uint64_t> number_map(const ConfigValue* value) {
        std::map<std::string, std::uint64_t> map;
        if (value == nullptr) return map;
        for (const auto& [name, element] : std::get<ConfigValue::Map>(value->data))
            map[name] = static_cast<std::uint64_t>(*integer(element));
        return map;
    }

    void warn_of_kind() {
        const auto kind = out_.config.backend.kind;
        if (kind == BackendConfig::Kind::process || already_wrong("backend.kind")) return;
        const auto* given = find("backend.kind");
        out_.warnings.push_back({given != nullptr ? given->where : input_.file,
                                 "backend.kind",
                                 std::string{to_text(kind)},
                                 "is not active in this version of the manager, which runs a "
                                 "backend as its own process only; give backend.process.command"});
    }

    void fill() {
        for (const auto& key : config_keys()) {
            if (key.required && find(key.path) == nullptr) {
                error(input_.file,
                      std::string{key.path},
                      "",
                      "is missing; it is the " + std::string{key.purpose});
            }
        }
        auto& config = out_.config;
        config.file = input_.file;
        config.cluster_id = text("clusterId");
        config.node_id = text("nodeId");
        config.state_dir = text("stateDir");
        config.advertise = text("advertise");
        fill_nats(config.nats);
        fill_election(config.election);
        config.wal = {.replica_path = text("wal.replicaPath"),
                      .snapshot_interval = ms("wal.snapshotIntervalMs"),
                      .stream_retention = span("wal.streamRetention")};
        fill_backend(config.backend);
        fill_vips(config.vips);
        fill_services(config.services);
        config.api = *parse_host_port(text("api.listen"));
        config.metrics = *parse_host_port(text("metrics.listen"));
        fill_log(config.log);
    }

    void fill_nats(NatsConfig& nats) const {
        for (const auto& url : texts(right("nats.servers")))
            nats.servers.push_back(*parse_server(url));
        nats.credentials = text("nats.credentials");
        nats.user = text("nats.user");
        nats.password = text("nats.password");
        nats.password_file = text("nats.passwordFile");
        nats.token_file = text("nats.tokenFile");
        nats.tls = {text("nats.tls.ca"), text("nats.tls.cert"), text("nats.tls.key")};
        nats.replicas = static_cast<int>(number("nats.replicas"));
    }

    void fill_election(ElectionConfig& election) const {
        auto& timing = election.timing;
        timing.ttl = ms("election.leaderTtlMs");
        timing.heartbeat = ms("election.heartbeatIntervalMs");
        const Duration margin = std::max<Duration>(timing.ttl / 5, milliseconds{500});
        const auto given_margin = given_number("election.fenceMarginMs");
        timing.margin = given_margin ? Duration{milliseconds{*given_margin}} : margin;
        const auto given_cooldown = given_number("election.cooldownMs");
        timing.cooldown = given_cooldown ? Duration{milliseconds{*given_cooldown}} : timing.ttl;
        election.priority = static_cast<int>(number("election.priority"));
        election.nofailover = boolean("election.nofailover");
    }

    void fill_backend(BackendConfig& backend) const {
        const auto given_below = [this](std::string_view prefix) {
            return std::any_of(
                given_.keys.begin(), given_.keys.end(), [prefix](const Given& given) {
                    return std::string_view{given.path}.starts_with(prefix);
                });
        };
        const auto kind = text("backend.kind");
        using Kind = BackendConfig::Kind;
        backend.kind = kind == "process"                 ? Kind::process
                       : kind == "docker"                ? Kind::docker
                       : kind == "exec"                  ? Kind::exec
                       : kind == "systemd"               ? Kind::systemd
                       : given_below("backend.process.") ? Kind::process
                       : given_below("backend.docker.")  ? Kind::docker
                       : given_below("backend.exec.")    ? Kind::exec
                                                         : Kind::systemd;
        backend.data_path = text("backend.dataPath");
        backend.service_name = text("backend.serviceName");
        backend.health_endpoint = text("backend.healthEndpoint");
        backend.health_interval = ms("backend.healthIntervalMs");
        backend.health_timeout = ms("backend.healthTimeoutMs");
        backend.start_timeout = ms("backend.startTimeoutMs");
        backend.stop_timeout = ms("backend.stopTimeoutMs");
        backend.process = {.command = texts(right("backend.process.command")),
                           .dir = text("backend.process.dir"),
                           .env = text_map(right("backend.process.env")),
                           .user = text("backend.process.user"),
                           .group = text("backend.process.group"),
                           .limits = number_map(right("backend.process.limits"))};
    }

    /// A value below a name that the user chose: the table's default does not apply.
    std::string text_below(const std::string& path, const std::string& name) const {
        const auto* value = right(path + "." + name);
        return value != nullptr ? std::get<std::string>(value->data) : std::string{};
    }

    void fill_vips(std::vector<VipConfig>& vips) {
        if (find("vip.address") != nullptr) {
            add_vip(vips,
                    {text("vip.address"),
                     static_cast<int>(number("vip.netmask")),
                     text("vip.interface")},
                    "vip",
                    "vip.netmask");
        }
        for (const auto& path : given_.named) {
            if (!path.starts_with("vips[")) continue;
            const auto address = text_below(path, "address");
            const bool v6 = address.find(':') != std::string::npos;
            add_vip(vips,
                    {address,
                     static_cast<int>(given_number(path + ".prefix").value_or(v6 ? 128 : 32)),
                     text_below(path, "interface")},
                    path,
                    path + ".prefix");
        }
    }

    void add_vip(std::vector<VipConfig>& vips,
                 VipConfig vip,
                 const std::string& path,
                 const std::string& prefix_key) {
        const auto* at = find(path + ".address");
        const auto where = at != nullptr ? at->where : input_.file;
        const bool v6 = vip.address.find(':') != std::string::npos;
        if (vip.address.empty()) {
            error(where, path + ".address", "", "is missing; name the address");
        }
        if (vip.interface.empty() && !already_wrong(path + ".interface")) {
            error(where, path + ".interface", "", "is missing; name the interface that carries it");
        }
        if (vip.prefix > (v6 ? 128 : 32)) {
            error(where,
                  prefix_key,
                  std::to_string(vip.prefix),
                  "an IPv4 address has at most 32 bits; lower it");
        }
        for (const auto& other : vips) {
            if (!vip.address.empty() && other.address == vip.address) {
                error(where, path + ".address", vip.address, "is given twice; keep one");
            }
        }
        vips.push_back(std::move(vip));
    }

    void fill_services(std::vector<ServiceConfig>& services) {
        for (const auto& path : given_.named) {
            if (!path.starts_with("services.")) continue;
            ServiceConfig service;
            service.name = path.substr(std::string_view{"services."}.size());
            const auto port = given_number(path + ".port");
            if (!port && !already_wrong(path + ".port")) {
                error(input_.file, path + ".port", "", "is missing; each service has one");
            }
            service.port = static_cast<std::uint16_t>(port.value_or(0));
            service.protocol = text_below(path, "protocol");
            if (service.protocol.empty()) service.protocol = service.name;
            service.path = text_below(path, "path");
            service.health_path = text_below(path, "healthPath");
            service.metadata = text_map(right(path + ".metadata"));
            service.tags = texts(right(path + ".tags"));
            services.push_back(std::move(service));
        }
    }

    void fill_log(LogConfig& log) const {
        log.level = *parse_event_level(text("log.level"));
        const auto format = text("log.format");
        if (!format.empty()) log.format = *parse_line_format(format);
    }

    void error(std::string where, std::string key, std::string value, std::string reason) {
        out_.errors.push_back(
            {std::move(where), std::move(key), std::move(value), std::move(reason)});
    }
    void warn(std::string where, std::string key, std::string value, std::string reason) {
        out_.warnings.push_back(
            {std::move(where), std::move(key), std::move(value), std::move(reason)});
    }

    const ConfigInput& input_;
    GivenKeys given_;
    ConfigOutcome out_;
};

}  // namespace

ConfigOutcome make_config(const ConfigInput& input) { return Maker{input}.run(); }

Result<HostPort> parse_host_port(std::string_view text, std::string_view example) {
    const auto wrong = [text, example](std::string_view why) {
        return error(Errc::invalid,
                     "\"" + std::string{text} + "\" is no address: " + std::string{why} +
                         "; write it like " + std::string{example});
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong("the port is missing");
    auto host = text.substr(0, colon);
    const auto port = parse_number(text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return wrong("the port must lie from 1 to 65535");
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return wrong("an IPv6 address stands in brackets");
    }
    if (host.empty()) return wrong("the host is missing");
    if (host.find_first_of(" /[]\t\n") != std::string_view::npos) return wrong("that is no host");
    return HostPort{std::string{host}, static_cast<std::uint16_t>(*port)};
}

std::string to_text(const HostPort& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string_view to_text(BackendConfig::Kind kind) {
    switch (kind) {
        case BackendConfig::Kind::systemd:
            return "systemd";
        case BackendConfig::Kind::process:
            return "process";
        case BackendConfig::Kind::docker:
            return "docker";
        case BackendConfig::Kind::exec:
            return "exec";
    }
    return "?";
}

std::string to_text(const ConfigProblem& problem) {
    std::string text = problem.where;
    for (const auto* part : {&problem.key, &problem.reason}) {
        if (part->empty()) continue;
        if (!text.empty()) text += part == &problem.reason && !problem.key.empty() ? " " : ": ";
        text += *part;
        if (part == &problem.key) {
            if (!problem.value.empty()) text += " = " + problem.value;
            if (!problem.value.empty()) text += ":";
        }
    }
    return text;
}

ConfigValue url_list(std::string_view text) {
    ConfigValue::List urls;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        auto url = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!url.empty() && url.front() == ' ')
            url.remove_prefix(1);
        while (!url.empty() && url.back() == ' ')
            url.remove_suffix(1);
        if (!url.empty()) urls.push_back({std::string{url}});
    }
    return {std::move(urls)};
}

std::vector<ConfigOverride> environment_overrides(
    const std::map<std::string, std::string>& environment) {
    std::vector<ConfigOverride> overrides;
    for (const auto& [name, key] : {std::pair{"CLUSTER_ID", "clusterId"},
                                    std::pair{"NODE_ID", "nodeId"},
                                    std::pair{"NATS_URL", "nats.servers"}}) {
        const auto found = environment.find(name);
        if (found == environment.end() || found->second.empty()) continue;
        auto value = std::string_view{key} == "nats.servers" ? url_list(found->second)
                                                             : ConfigValue{found->second};
        overrides.push_back({std::string{"environment "} + name, key, std::move(value)});
    }
    return overrides;
}

}  // namespace model
