// Makes a Config of the keys that were set: fills in defaults, checks rules about several values.
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "config/config.h"
#include "config/keys.h"
#include "config/parse.h"
#include "config/validate.h"
#include "model/duration_text.h"
#include "model/ip_address.h"
#include "model/service.h"

namespace config {
namespace {

using std::chrono::milliseconds;

std::vector<std::string> texts(const Value& value) {
    std::vector<std::string> list;
    for (const auto& element : std::get<Value::List>(value.data))
        list.push_back(std::get<std::string>(element.data));
    return list;
}

std::map<std::string, std::string> text_map(const Value& value) {
    std::map<std::string, std::string> map;
    for (const auto& [name, element] : std::get<Value::Map>(value.data))
        map[name] = std::get<std::string>(element.data);
    return map;
}

std::map<std::string, std::uint64_t> number_map(const Value& value) {
    std::map<std::string, std::uint64_t> map;
    for (const auto& [name, element] : std::get<Value::Map>(value.data))
        map[name] = static_cast<std::uint64_t>(*integer(element));
    return map;
}

/// Stores the value of a key, already validated, in its field.
struct Assign {
    const Key& key;
    const Value& value;

    const std::string& text() const { return std::get<std::string>(value.data); }

    void operator()(std::string* field) const { *field = text(); }
    void operator()(bool* field) const { *field = std::get<bool>(value.data); }
    void operator()(int* field) const { *field = static_cast<int>(*integer(value)); }
    void operator()(model::Duration* field) const {
        *field = key.type == Type::span ? *model::parse_duration(text())
                                        : model::Duration{milliseconds{*integer(value)}};
    }
    void operator()(std::vector<std::string>* field) const { *field = texts(value); }
    void operator()(std::map<std::string, std::string>* field) const { *field = text_map(value); }
    void operator()(std::map<std::string, std::uint64_t>* field) const {
        *field = number_map(value);
    }
    void operator()(model::HostPort* field) const { *field = *model::parse_host_port(text()); }
    void operator()(model::EventLevel* field) const { *field = *model::parse_event_level(text()); }
    void operator()(std::optional<model::LineFormat>* field) const {
        *field = text().empty() ? std::nullopt : std::optional{*model::parse_line_format(text())};
    }
};

/// The warden's list has an entry for each, and limits their number.
constexpr std::size_t most_vips = 16;

class ConfigBuilder {
public:
    explicit ConfigBuilder(const Input& input) : input_{input}, assignments_{match_keys(input)} {
        for (const auto& assignment : assignments_.keys)
            by_path_.emplace(assignment.path, &assignment);
        for (const auto& problem : assignments_.errors)
            wrong_.insert(problem.key);
    }

    Outcome run() {
        out_.errors = assignments_.errors;
        out_.warnings = assignments_.warnings;
        out_.config.file = input_.file;
        name_missing();
        fill_fields();
        finish_servers(out_.config.nats.servers);
        finish_timing(out_.config.election.timing);
        fill_kind(out_.config.backend.kind);
        fill_vips(out_.config.vips);
        fill_services(out_.config.services);
        warn_of_kind();
        // A rule about several values is not reported where one of those values is invalid by
        // itself.
        for (auto& problem : check(out_.config)) {
            if (already_wrong(problem.key)) continue;
            if (const auto* assignment = find(problem.key)) problem.where = assignment->where;
            wrong_.insert(problem.key);
            out_.errors.push_back(std::move(problem));
        }
        return std::move(out_);
    }

private:
    const Assignment* find(std::string_view path) const {
        const auto found = by_path_.find(path);
        return found == by_path_.end() ? nullptr : found->second;
    }

    bool already_wrong(std::string_view path) const { return wrong_.contains(path); }

    /// The value in effect, if the key is set and valid; else null.
    const Value* right(std::string_view path) const {
        const auto* assignment = find(path);
        return assignment == nullptr || already_wrong(path) ? nullptr : assignment->value;
    }

    /// The value in effect, else the default.
    Value value_of(const Key& key) const {
        const auto* value = right(key.path);
        return value != nullptr ? *value : fallback_value(key);
    }

    std::optional<std::int64_t> assigned_number(std::string_view path) const {
        const auto* value = right(path);
        return value != nullptr ? integer(*value) : std::nullopt;
    }

    void name_missing() {
        for (const auto& key : keys()) {
            if (!key.required || find(key.path) != nullptr) continue;
            error(input_.file,
                  std::string{key.path},
                  "",
                  "is missing; it is the " + std::string{key.purpose});
        }
    }

    void fill_fields() {
        for (const auto& key : keys()) {
            if (key.field == nullptr) continue;
            const auto value = value_of(key);
            std::visit(Assign{key, value}, key.field(out_.config));
        }
    }

    static void finish_servers(std::vector<std::string>& servers) {
        for (auto& url : servers)
            url = *parse_server(url);
    }

    void finish_timing(model::LeaseTiming& timing) const {
        if (right("election.fenceMarginMs") == nullptr) {
            timing.margin = least_margin(timing.ttl);
        }
        if (right("election.cooldownMs") == nullptr) timing.cooldown = timing.ttl;
    }

    void fill_kind(Backend::Kind& kind) const {
        using Kind = Backend::Kind;
        constexpr std::array kinds{Kind::process, Kind::docker, Kind::exec, Kind::systemd};
        const auto* given = right("backend.kind");
        const auto is_meant = [this, given](Kind each) {
            if (given != nullptr) return std::get<std::string>(given->data) == to_text(each);
            const auto section = "backend." + std::string{to_text(each)} + ".";
            return std::any_of(
                assignments_.keys.begin(), assignments_.keys.end(), [&](const auto& assignment) {
                    return assignment.path.starts_with(section);
                });
        };
        const auto* found = std::find_if(kinds.begin(), kinds.end(), is_meant);
        kind = found != kinds.end() ? *found : Kind::systemd;
    }

    /// A key below a name that the user chose: the default of the table does not apply.
    std::string text_below(const std::string& path, const std::string& name) const {
        const auto* value = right(path + "." + name);
        return value != nullptr ? std::get<std::string>(value->data) : std::string{};
    }

    void fill_vips(std::vector<Vip>& vips) {
        // The Go manager writes an empty address and an empty interface where there is none.
        const bool given = !text_below("vip", "address").empty() || already_wrong("vip.address") ||
                           !text_below("vip", "interface").empty();
        if (given) add_vip(vips, "vip", "vip.netmask");
        for (const auto& path : assignments_.named) {
            if (path.starts_with("vips[")) add_vip(vips, path, path + ".prefix");
        }
        if (vips.size() > most_vips) {
            error(input_.file,
                  "vips",
                  std::to_string(vips.size()),
                  "are more virtual addresses than the " + std::to_string(most_vips) +
                      " that are possible");
        }
        const auto* rule = right("vip.onConflict");
        out_.config.vip.take_on_conflict =
            rule != nullptr && std::get<std::string>(rule->data) == "take";
    }

    void add_vip(std::vector<Vip>& vips, const std::string& path, const std::string& prefix_key) {
        const auto* at = find(path + ".address");
        const auto where = at != nullptr ? at->where : input_.file;
        Vip vip{.address = text_below(path, "address"), .interface = text_below(path, "interface")};
        if (vip.address.empty() && !already_wrong(path + ".address")) {
            error(where, path + ".address", "", "is missing; name the address");
        }
        if (vip.interface.empty() && !already_wrong(path + ".interface")) {
            error(where, path + ".interface", "", "is missing; name the interface that carries it");
        }
        const auto address = model::parse_ip_address(vip.address);
        if (address) {
            vip.prefix =
                static_cast<int>(assigned_number(prefix_key).value_or(address->host_prefix()));
            if (vip.prefix > address->host_prefix()) {
                error(where,
                      prefix_key,
                      std::to_string(vip.prefix),
                      "an IPv4 address has at most 32 bits; lower it");
            }
            if (!addresses_.insert(*address).second) {
                error(where, path + ".address", vip.address, "is given twice; keep one");
            }
        }
        vips.push_back(std::move(vip));
    }

    void fill_services(std::vector<Service>& services) {
        for (const auto& path : assignments_.named) {
            if (!path.starts_with("services.")) continue;
            Service service;
            service.name = path.substr(std::string_view{"services."}.size());
            const auto port = assigned_number(path + ".port");
            if (!port && !already_wrong(path + ".port")) {
                error(input_.file, path + ".port", "", "is missing; each service has one");
            }
            service.port = static_cast<std::uint16_t>(port.value_or(0));
            service.protocol = text_below(path, "protocol");
            if (service.protocol.empty()) service.protocol = service.name;
            service.path = text_below(path, "path");
            service.address = text_below(path, "address");
            const auto bound = text_below(path, "boundTo");
            service.bound_to_primary = bound.empty() ? service.name == "http" : bound == "primary";
            if (const auto* internal = right(path + ".internal"))
                service.internal = std::get<bool>(internal->data);
            fill_check(service.check, path);
            if (const auto why = model::why_no_service_name(service.name); !why.empty())
                error(input_.file, path, service.name, "is no name of a service: it " + why);
            if (const auto* facts = right(path + ".metadata")) service.metadata = text_map(*facts);
            if (const auto* words = right(path + ".tags")) service.tags = texts(*words);
            services.push_back(std::move(service));
        }
    }

    /// One that is mentioned at all is made.
    void fill_check(std::optional<Service::Check>& check, const std::string& path) {
        const auto section = path + ".check.";
        const auto first = by_path_.lower_bound(section);
        const bool given = first != by_path_.end() && first->first.starts_with(section);
        const auto short_form = text_below(path, "healthPath");
        if (!given && short_form.empty()) return;
        const auto number = [&](const std::string& name) {
            const auto value = assigned_number(section + name);
            return value ? *value
                         : *integer(fallback_value(find_key("services.<name>.check." + name)));
        };
        check = Service::Check{.path = text_below(path, "check.path"),
                               .interval = milliseconds{number("intervalMs")},
                               .timeout = milliseconds{number("timeoutMs")},
                               .expected_status = static_cast<int>(number("expectedStatus")),
                               .expected_body = text_below(path, "check.expectedBody")};
        if (check->path.empty()) check->path = short_form;
        if (!short_form.empty() && check->path != short_form) {
            error(find(path + ".healthPath")->where,
                  path + ".healthPath",
                  short_form,
                  "is another one than check.path; keep one of the two");
        }
        if (!check->path.empty()) return;
        for (const auto* name : {"check.expectedStatus", "check.expectedBody"}) {
            const auto key = path + "." + name;
            if (const auto* assignment = find(key)) {
                error(assignment->where,
                      path + ".check.path",
                      "",
                      "is missing, and " + std::string{name} + " is given; name what is asked for");
                return;
            }
        }
    }

    void warn_of_kind() {
        const auto kind = out_.config.backend.kind;
        const bool active = kind == Backend::Kind::process || kind == Backend::Kind::systemd;
        if (active || already_wrong("backend.kind")) return;
        const auto* assignment = find("backend.kind");
        out_.warnings.push_back({assignment != nullptr ? assignment->where : input_.file,
                                 "backend.kind",
                                 std::string{to_text(kind)},
                                 "is not active in this version of the manager, which runs a "
                                 "backend as a unit of systemd or as its own process; give "
                                 "backend.serviceName or backend.process.command"});
    }

    void error(std::string where, std::string key, std::string value, std::string reason) {
        wrong_.insert(key);
        out_.error(std::move(where), std::move(key), std::move(value), std::move(reason));
    }

    const Input& input_;
    Assignments assignments_;
    std::map<std::string_view, const Assignment*> by_path_;
    std::set<std::string, std::less<>> wrong_;  // keys that have an error already
    std::set<model::IpAddress> addresses_;      // virtual addresses seen so far
    Outcome out_;
};

}  // namespace

Outcome build(const Input& input) { return ConfigBuilder{input}.run(); }

}  // namespace config
