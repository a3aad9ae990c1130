#include "cli/command_line.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "model/names.h"

namespace cli {
namespace {

using model::Errc;
using model::Error;

struct Verb {
    std::string_view name;
    std::string_view purpose;
};

constexpr std::array<Verb, 16> verbs{{
    {"init", "write the configuration of this node"},
    {"join", "join the cluster: take a copy of its data"},
    {"leave", "hand over what this node leads and leave the cluster"},
    {"status", "this node's view of the cluster"},
    {"list", "every node: role, state, epoch, position, lag"},
    {"promote", "make this node the leader, by a planned switchover"},
    {"demote", "make another node the leader"},
    {"failover", "make this node the leader where no leader answers (--force)"},
    {"remove", "take a node that died out of the cluster: remove NODE"},
    {"pause", "no failover and no restart of the backend until resume; fencing goes on"},
    {"resume", "end a pause"},
    {"services", "the service registry; see below"},
    {"fence", "stop the backend here at once and let go of everything (for units)"},
    {"daemon", "run the daemon (also without a verb)"},
    {"version", "show the version"},
    {"node", ""},  // the daemon's second process
}};

struct Option {
    std::string_view name;
    char letter;
    bool takes_value;
    std::string_view verbs;  // separated by spaces; "" = all
    std::string_view value_name;
    std::string_view purpose;
};

constexpr auto options = std::to_array<Option>({
    {"config", 'c', true, "", "PATH", "configuration (default /etc/convex/cluster.json)"},
    {"cluster-id", 0, true, "", "ID", "name of the cluster; counts more than the file"},
    {"node-id", 0, true, "", "ID", "name of this node; counts more than the file"},
    {"nats", 0, true, "", "URL", "a NATS server; again or with commas for several"},
    {"log-level", 0, true, "", "LEVEL", "debug, info, warning or error"},
    {"log-format", 0, true, "", "FORMAT", "text, json or journald"},
    {"help", 'h', false, "", "", "this text"},
    {"output", 'o', true, "status list", "FORMAT", "table or json"},
    {"timeout",
     0,
     true,
     "promote demote failover join leave remove",
     "SECONDS",
     "give up after (default 120)"},
    {"force",
     0,
     false,
     "init promote failover",
     "",
     "init: replace the file; promote: waive nofailover; failover: required"},
    {"yes", 0, false, "failover", "", "ask nobody"},
    {"vip", 0, true, "init", "ADDRESS", "virtual address"},
    {"vip-netmask", 0, true, "init", "BITS", "length of its prefix (default 24; IPv6 128)"},
    {"interface", 0, true, "init", "NAME", "network interface that carries it"},
    {"backend", 0, true, "init", "KIND", "systemd or process: how the service is run"},
    {"service-name", 0, true, "init", "UNIT", "its unit (default convex-backend)"},
    {"command", 0, true, "init", "WORDS", "its program and arguments; may be repeated"},
    {"data-path", 0, true, "init", "FILE", "its database"},
    {"replica-path", 0, true, "init", "FILE", "this node's copy while it is passive"},
    {"health-endpoint", 0, true, "init", "URL", "answers 2xx while it is healthy; none: no checks"},
    {"fd", 0, true, "node", "N", ""},
});

/// At spaces; there are no quotes.
void add_words(std::string_view text, std::vector<std::string>& to) {
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) to.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

bool contains_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const auto end = std::min(words.find(' '), words.size());
        if (words.substr(0, end) == word) return true;
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

Error usage(std::string message) { return model::error(Errc::invalid, std::move(message)); }

std::optional<std::uint64_t> number_between(std::string_view text,
                                            std::uint64_t least,
                                            std::uint64_t most) {
    const auto value = model::parse_number(text);
    if (!value || *value < least || *value > most) return std::nullopt;
    return *value;
}

/// Reads one word after the other; the first invalid one ends it.
class Reader {
public:
    explicit Reader(const std::vector<std::string>& arguments) : arguments_{arguments} {}

    model::Result<Command> run() {
        while (next_ < arguments_.size()) {
            const auto& word = arguments_[next_++];
            auto failed =
                word.size() > 1 && word.front() == '-' ? read_option(word) : read_verb(word);
            if (failed) return std::move(*failed);
        }
        for (const auto* option : used_) {
            if (!option->verbs.empty() && !contains_word(option->verbs, command_.verb)) {
                return usage("--" + std::string{option->name} + " does not belong to " +
                             command_.verb);
            }
        }
        if (!command_.help) {
            if (auto failed = check()) return std::move(*failed);
        }
        finish();
        return std::move(command_);
    }

private:
    using Failed = std::optional<Error>;

    Failed read_verb(const std::string& word) {
        const bool known = std::any_of(
            verbs.begin(), verbs.end(), [&](const Verb& verb) { return verb.name == word; });
        if (word == "help") {
            command_.help = true;
            return {};
        }
        if (verb_given_ && command_.verb == "remove" && command_.subject.empty()) {
            if (const auto why = model::why_no_node_id(word); !why.empty())
                return usage("\"" + word + "\" is no node id: " + why);
            command_.subject = word;
            return {};
        }
        if (verb_given_ || !known) {
            return usage("\"" + word + "\" is not " +
                         (verb_given_ ? "expected after " + command_.verb : "a verb"));
        }
        verb_given_ = true;
        command_.verb = word;
        return {};
    }

    Failed read_option(const std::string& word) {
        const bool is_long = word.starts_with("--");
        const auto equals = is_long ? word.find('=') : std::string::npos;
        const auto name = word.substr(is_long ? 2 : 1, equals - (is_long ? 2 : 1));
        const auto found = std::find_if(options.begin(), options.end(), [&](const Option& each) {
            return is_long ? each.name == name
                           : name.size() == 1 && each.letter != 0 && each.letter == name.front();
        });
        if (found == options.end()) {
            if (word == "--version") {
                command_.verb = "version";
                verb_given_ = true;
                return {};
            }
            return usage(word + " is not an option");
        }
        used_.push_back(&*found);
        if (!found->takes_value) {
            if (equals != std::string::npos) return usage("--" + name + " takes no value");
            if (found->name == "help") command_.help = true;
            if (found->name == "force") command_.force = command_.init.force = true;
            if (found->name == "yes") command_.yes = true;
            return {};
        }
        std::string value;
        if (equals != std::string::npos) {
            value = word.substr(equals + 1);
        } else if (next_ < arguments_.size()) {
            value = arguments_[next_++];
        } else {
            return usage(word + " needs a value");
        }
        return set(found->name, value);
    }

    Failed set(std::string_view name, const std::string& value) {
        const auto wrong = [&](std::string_view wanted) {
            return usage("--" + std::string{name} + " " + value + ": must be " +
                         std::string{wanted});
        };
        if (value.empty()) return usage("--" + std::string{name} + " needs a value");
        if (name == "config") {
            command_.config_path = value;
        } else if (name == "cluster-id") {
            command_.init.cluster_id = value;
        } else if (name == "node-id") {
            command_.init.node_id = value;
        } else if (name == "nats") {
            const auto urls = config::url_list(value);
            for (const auto& url : std::get<config::Value::List>(urls.data))
                command_.init.servers.push_back(std::get<std::string>(url.data));
        } else if (name == "log-level") {
            if (!model::parse_event_level(value)) return wrong("debug, info, warning or error");
            override("--log-level", "log.level", {value});
        } else if (name == "log-format") {
            if (!model::parse_line_format(value)) return wrong("text, json or journald");
            override("--log-format", "log.format", {value});
        } else if (name == "output") {
            if (value != "table" && value != "json") return wrong("table or json");
            command_.output = value == "json" ? Output::json : Output::table;
        } else if (name == "timeout") {
            const auto seconds = number_between(value, 1, 86'400);
            if (!seconds) return wrong("a number of seconds from 1 to 86400");
            command_.patience = std::chrono::seconds{*seconds};
        } else if (name == "vip") {
            command_.init.vip = value;
        } else if (name == "vip-netmask") {
            const auto bits = number_between(value, 1, 128);
            if (!bits) return wrong("a number from 1 to 128");
            command_.init.vip_netmask = static_cast<int>(*bits);
        } else if (name == "interface") {
            command_.init.interface = value;
        } else if (name == "backend") {
            if (value != "systemd" && value != "process") return wrong("systemd or process");
            command_.init.backend = value;
        } else if (name == "service-name") {
            command_.init.service_name = value;
        } else if (name == "command") {
            add_words(value, command_.init.command);
        } else if (name == "data-path") {
            command_.init.data_path = value;
        } else if (name == "replica-path") {
            command_.init.replica_path = value;
        } else if (name == "health-endpoint") {
            command_.init.health_endpoint = value == "none" ? "" : value;
        } else if (name == "fd") {
            const auto fd = number_between(value, 0, 1'000'000);
            if (!fd) return wrong("a number");
            command_.fd = static_cast<int>(*fd);
        }
        return {};
    }

    Failed check() const {
        if (command_.verb == "init") return check_init();
        if (command_.verb == "remove" && command_.subject.empty())
            return usage("remove needs the node: remove NODE");
        if (command_.verb == "failover" && !command_.force) {
            return usage(
                "failover needs --force: it is for a cluster whose leader does not answer; where "
                "one does, promote moves the lease without a loss");
        }
        return {};
    }

    Failed check_init() const {
        const auto& init = command_.init;
        if (init.cluster_id.empty()) return usage("init needs --cluster-id");
        if (init.node_id.empty()) return usage("init needs --node-id");
        if (init.servers.empty()) return usage("init needs --nats");
        if (!init.vip.empty() && init.interface.empty()) {
            return usage("--interface is required when --vip is specified");
        }
        if (init.backend == "process" && init.command.empty())
            return usage("--backend process needs --command");
        if (init.backend == "systemd" && !init.command.empty())
            return usage("--command is for --backend process; a unit has its own");
        if (!init.service_name.empty() && !init.command.empty())
            return usage("--service-name and --command: the service is a unit or a process");
        return {};
    }

    /// init writes these into the file; for other verbs they take precedence over the file.
    void finish() {
        if (command_.verb == "init") return;
        const auto& init = command_.init;
        if (!init.cluster_id.empty()) override("--cluster-id", "clusterId", {init.cluster_id});
        if (!init.node_id.empty()) override("--node-id", "nodeId", {init.node_id});
        if (!init.servers.empty()) {
            config::Value::List urls;
            for (const auto& url : init.servers)
                urls.push_back({url});
            override("--nats", "nats.servers", {std::move(urls)});
        }
    }

    void override(const char* flag, const char* key, config::Value value) {
        command_.overrides.push_back({std::string{"flag "} + flag, key, std::move(value)});
    }

    const std::vector<std::string>& arguments_;
    std::size_t next_ = 0;
    bool verb_given_ = false;
    std::vector<const Option*> used_;
    Command command_;
};

}  // namespace

model::Result<Command> parse_command_line(const std::vector<std::string>& arguments) {
    auto services = parse_services_line(arguments);
    if (!services) return std::move(services).error();
    if (!*services) return Reader{arguments}.run();
    auto command = Reader{(*services)->rest}.run();
    if (command) command->services = std::move((*services)->command);
    return command;
}

std::string help_text() {
    std::string text =
        "convex-cluster-manager [VERB] [OPTION...]\n\n"
        "Keeps a service over one SQLite database running on one of several nodes.\n\nVerbs:\n";
    const auto row = [&text](std::string left, std::string_view right) {
        left.resize(std::max<std::size_t>(left.size() + 2, 26), ' ');
        text += "  " + left;
        text += right;
        text += '\n';
    };
    for (const auto& verb : verbs) {
        if (!verb.purpose.empty()) row(std::string{verb.name}, verb.purpose);
    }
    text += "\nOptions:\n";
    for (const auto& option : options) {
        if (option.purpose.empty()) continue;
        std::string left = option.letter != 0 ? std::string{"-"} + option.letter + ", " : "    ";
        left += "--" + std::string{option.name};
        if (option.takes_value) left += " " + std::string{option.value_name};
        std::string right{option.purpose};
        if (!option.verbs.empty()) right += " (" + std::string{option.verbs} + ")";
        row(std::move(left), right);
    }
    text += services_help();
    text +=
        "\nExit status: 0 done, 1 failed, 2 wrong usage, 3 not in the state that was asked for;\n"
        "of daemon also 78: do not start it again, its configuration or its node id is wrong.\n";
    return text;
}

}  // namespace cli
