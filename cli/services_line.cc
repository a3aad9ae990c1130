#include "cli/services_line.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace cli {
namespace {

using model::Errc;
using model::Error;
using Verb = ServicesCommand::Verb;
using Output = ServicesCommand::Output;

constexpr std::string_view verb_name = "services";
/// Options of every verb that have no value.
constexpr auto flags = std::to_array<std::string_view>({"-h", "--help", "--version", "--force"});

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

bool takes_next(std::string_view option) {
    return option.find('=') == std::string_view::npos &&
           std::find(flags.begin(), flags.end(), option) == flags.end();
}

/// Where the verb stands, if it is `services`.
std::optional<std::size_t> find_verb(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (!is_option(arguments[i])) {
            return arguments[i] == verb_name ? std::optional{i} : std::nullopt;
        }
        if (takes_next(arguments[i])) ++i;
    }
    return std::nullopt;
}

Error usage(std::string message) { return model::error(Errc::invalid, std::move(message)); }

class Reader {
public:
    Reader(const std::vector<std::string>& arguments, std::size_t verb)
        : arguments_{arguments}, next_{verb + 1} {
        line_.rest.assign(arguments.begin(),
                          arguments.begin() + static_cast<std::ptrdiff_t>(verb) + 1);
    }

    model::Result<std::optional<ServicesLine>> run() {
        while (next_ < arguments_.size()) {
            const auto& word = arguments_[next_++];
            auto failed = is_option(word) ? read_option(word) : read_word(word);
            if (failed) return std::move(*failed);
        }
        const bool help = std::any_of(line_.rest.begin(), line_.rest.end(), [](const auto& word) {
            return word == "-h" || word == "--help";
        });
        if (!help) {
            if (auto failed = check()) return std::move(*failed);
        }
        return std::optional{std::move(line_)};
    }

private:
    using Failed = std::optional<Error>;

    Failed read_word(const std::string& word) {
        constexpr std::pair<std::string_view, Verb> verbs[] = {{"list", Verb::list},
                                                               {"show", Verb::show},
                                                               {"watch", Verb::watch},
                                                               {"export", Verb::export_}};
        auto& command = line_.command;
        if (verb_given_) {
            if (command.verb == Verb::show && command.filter.name.empty()) {
                command.filter.name = word;
                return {};
            }
            return usage("\"" + word + "\" is not expected here");
        }
        for (const auto& [name, verb] : verbs) {
            if (word != name) continue;
            command.verb = verb;
            verb_given_ = true;
            return {};
        }
        return usage("\"" + word + "\" is not a verb of services");
    }

    Failed read_option(const std::string& word) {
        const auto equals = word.starts_with("--") ? word.find('=') : std::string::npos;
        const auto name = word.substr(0, equals);
        if (name == "--watch") {
            if (equals != std::string::npos) return usage("--watch takes no value");
            line_.command.watch = true;
            return {};
        }
        constexpr auto own = std::to_array<std::string_view>(
            {"--name", "--node", "--tag", "--meta", "--health", "--format", "--output", "-o"});
        const bool mine = std::find(own.begin(), own.end(), name) != own.end();
        std::string value;
        const bool has_next = takes_next(word);
        if (has_next && next_ < arguments_.size()) {
            value = arguments_[next_++];
        } else if (has_next) {
            return usage(word + " needs a value");
        } else if (equals != std::string::npos) {
            value = word.substr(equals + 1);
        }
        if (!mine) {
            line_.rest.push_back(word);
            if (has_next) line_.rest.push_back(value);
            return {};
        }
        if (value.empty()) return usage(name + " needs a value");
        return set(name, value);
    }

    Failed set(const std::string& name, const std::string& value) {
        auto& command = line_.command;
        auto& filter = command.filter;
        const auto wrong = [&](std::string_view wanted) {
            return usage(name + " " + value + ": must be " + std::string{wanted});
        };
        if (name == "--name") {
            filter.name = value;
        } else if (name == "--node") {
            filter.node = value;
        } else if (name == "--tag") {
            filter.tags.push_back(value);
        } else if (name == "--meta") {
            const auto equals = value.find('=');
            if (equals == std::string::npos || equals == 0) return wrong("KEY=VALUE");
            filter.metadata[value.substr(0, equals)] = value.substr(equals + 1);
        } else if (name == "--health") {
            filter.health = model::parse_service_health(value);
            if (!filter.health) return wrong("passing, warning, critical or standby");
        } else if (name == "--format") {
            const auto format = model::parse_export_format(value);
            if (!format) {
                return wrong("prometheus, http-sd, syslog, promtail, alloy, consul or json");
            }
            command.format = *format;
            format_given_ = true;
        } else {
            outputs_.push_back(value);
        }
        return {};
    }

    /// `--output` names a file of an export, and a format of everything else.
    Failed check() {
        auto& command = line_.command;
        if (!verb_given_) return usage("services needs one of list, show, watch, export");
        const bool exports = command.verb == Verb::export_;
        if (command.verb == Verb::show && command.filter.name.empty())
            return usage("services show needs the name of a service");
        if (!exports && format_given_) return usage("--format belongs to services export");
        if (!exports && command.watch) return usage("--watch belongs to services export");
        for (const auto& value : outputs_) {
            if (exports) {
                command.file = value;
            } else if (value == "table" || value == "json" || value == "yaml") {
                command.output = value == "table"  ? Output::table
                                 : value == "json" ? Output::json
                                                   : Output::yaml;
            } else {
                return usage("--output " + value + ": must be table, json or yaml");
            }
        }
        return {};
    }

    const std::vector<std::string>& arguments_;
    std::size_t next_;
    ServicesLine line_;
    bool verb_given_ = false;
    bool format_given_ = false;
    std::vector<std::string> outputs_;
};

}  // namespace

model::Result<std::optional<ServicesLine>> parse_services_line(
    const std::vector<std::string>& arguments) {
    const auto verb = find_verb(arguments);
    if (!verb) return std::optional<ServicesLine>{};
    return Reader{arguments, *verb}.run();
}

std::string services_help() {
    return "\nServices:\n"
           "  services list             every service on every node\n"
           "  services show NAME        all that is known of one\n"
           "  services watch            the list, again with each change\n"
           "  services export           for other programs; on a failure nothing is written\n"
           "      --format FORMAT       prometheus (default), http-sd, syslog, promtail, alloy,\n"
           "                            consul or json\n"
           "      --output FILE         replaced whole, and only where it changes\n"
           "      --watch               again with each change\n"
           "      --name NAME, --node NODE, --tag TAG, --meta KEY=VALUE, --health HEALTH\n"
           "                            those alone; of --tag and --meta each that is given\n"
           "  -o, --output FORMAT       list, show, watch: table, json or yaml\n";
}

}  // namespace cli
