#include "warden/options.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/ids.h"

namespace warden {
namespace {

using model::Errc;

// A day: no lease is longer, and sums of such durations do not overflow.
constexpr std::uint64_t longest_ms = 24ULL * 3600 * 1000;

model::Result<model::Duration> parse_ms(std::string_view name, const std::string& text) {
    const auto number = model::parse_number(text);
    if (!number || *number == 0 || *number > longest_ms)
        return model::error(
            Errc::invalid,
            std::string{name} + ": \"" + text + "\" is not a number of milliseconds");
    return model::Duration{std::chrono::milliseconds{static_cast<std::int64_t>(*number)}};
}

model::Result<void> apply(Options& to, const std::string& name, const std::string& value) {
    const auto set = [&](model::Duration& field) -> model::Result<void> {
        auto parsed = parse_ms(name, value);
        if (!parsed) return std::move(parsed).error();
        field = *parsed;
        return {};
    };
    if (name == "--ttl-ms") return set(to.ttl);
    if (name == "--margin-ms") return set(to.margin);
    if (name == "--stop-timeout-ms") return set(to.stop_timeout);
    if (name == "--state-dir") {
        to.lock_file = value + "/lock";
    } else if (name == "--lock-file") {
        to.lock_file = value;
    } else if (name == "--state-file") {
        to.state_file = value;
    } else if (name == "--data-path") {
        to.data_lock = value + ".daemon-lock";
    } else if (name == "--list-fd") {
        const auto number = model::parse_number(value);
        if (!number || *number < 3 || *number > 1'000'000)
            return model::error(Errc::invalid, "--list-fd: \"" + value + "\" is no descriptor");
        to.list_fd = static_cast<int>(*number);
    } else if (name == "--log-format") {
        auto format = model::parse_line_format(value);
        if (!format) return std::move(format).error();
        to.log_format = *format;
    } else if (name == "--cgroup") {
        if (value != "auto" && value != "off")
            return model::error(Errc::invalid, "--cgroup: \"" + value + "\" is not auto or off");
        to.cgroup = value == "auto";
    } else {
        return model::error(Errc::invalid, "unknown option " + name);
    }
    return {};
}

model::Result<void> check_complete(const Options& options) {
    const auto missing = [](std::string_view what) {
        return model::error(Errc::invalid, std::string{what} + " is missing");
    };
    if (options.lock_file.empty()) return missing("--state-dir or --lock-file");
    if (options.state_file.empty()) return missing("--state-file");
    if (options.strike_only) return {};
    if (options.ttl == model::Duration{}) return missing("--ttl-ms");
    if (options.margin == model::Duration{}) return missing("--margin-ms");
    if (options.margin >= options.ttl)
        return model::error(Errc::invalid, "--margin-ms is not below --ttl-ms");
    if (options.node.empty()) return missing("the command of the node process after --");
    return {};
}

}  // namespace

model::Result<Options> parse_options(const std::vector<std::string>& arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& argument = arguments[i];
        if (argument == "--") {
            options.node.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                arguments.end());
            break;
        }
        if (argument == "--help" || argument == "-h") {
            options.help = true;
            return options;
        }
        if (argument == "--strike-only") {
            options.strike_only = true;
            continue;
        }
        if (i + 1 == arguments.size())
            return model::error(Errc::invalid, argument + ": a value is missing, or unknown");
        if (auto applied = apply(options, argument, arguments[++i]); !applied)
            return std::move(applied).error();
    }
    if (auto complete = check_complete(options); !complete) return std::move(complete).error();
    return options;
}

const char* usage() {
    return "usage: convex-cluster-warden --state-dir DIR | --lock-file PATH  --state-file PATH\n"
           "           --ttl-ms N --margin-ms N [--stop-timeout-ms N] [--cgroup auto|off]\n"
           "           [--list-fd N] [--data-path PATH] [--log-format text|json|journald]\n"
           "           -- NODE-COMMAND [ARGUMENT...]\n"
           "       convex-cluster-warden --strike-only --state-dir DIR --state-file PATH\n"
           "\n"
           "Holds the node's deadline, runs the node process and a `process` backend, and kills\n"
           "both at the strike time. Started by convex-cluster-manager daemon.\n"
           "\n"
           "  --state-file   on tmpfs: what a warden started after this one must enforce. Both "
           "its\n"
           "                 directory and the file belong to this user, and nobody else writes "
           "them\n"
           "  --list-fd      an open file with what it may start, kill and unbind; without: "
           "nothing\n"
           "  --data-path    the database: a lock beside it keeps a second daemon away from it\n"
           "  --strike-only  kill what the state file names, or have the warden that runs do it\n"
           "\n"
           "SIGTERM, SIGINT: step down in order, then end. SIGUSR1: strike now. Others do "
           "nothing.\n";
}

}  // namespace warden
