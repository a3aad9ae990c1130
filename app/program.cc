#include "app/program.h"

#include <signal.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "adapters/linux/clock.h"
#include "adapters/linux/replace_file.h"
#include "app/app.h"
#include "app/client.h"
#include "app/daemon.h"
#include "app/discovery.h"
#include "app/version.h"
#include "cli/command_line.h"
#include "cli/failover.h"
#include "cli/init.h"
#include "cli/services.h"
#include "cli/verbs.h"
#include "cli/views.h"
#include "model/exit_status.h"

namespace app {
namespace {

constexpr std::chrono::seconds connect_patience{5};

void print(std::FILE* to, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), to);
    std::fflush(to);
}

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C ends a verb's wait, a second one the program.
void end_waits_on_signal() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

void end_on_signal() {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

/// A line of the terminal, without its end; "" where the user gave up. Empty: there is none.
std::optional<std::string> ask(const std::string& question) {
    if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) return std::nullopt;
    print(stderr, question);
    std::string line;
    char next = 0;
    // One byte at a time: what comes after the line is somebody else's.
    while (interrupted == 0 && ::read(STDIN_FILENO, &next, 1) == 1) {
        if (next == '\n') return line;
        line += next;
    }
    print(stderr, "\n");
    return "";
}

using Verb = int (*)(const cli::Command&, const config::Config&, cli::World&, const cli::Lines&);

int run_verb(Verb verb,
             const cli::Command& command,
             const cluster::App& app,
             const cli::Lines& lines) {
    const auto own_status = [&app] { return ask_own_daemon(app.config()); };
    auto client = Client::connect(app.config(), connect_patience);
    if (!client) {
        if (verb == cli::run_status) {
            return cli::run_status_without_store(
                command, app.config(), client.error(), own_status, lines);
        }
        lines.err("Error: " + client.error().message + "\n");
        return cli::exit_failed;
    }
    end_waits_on_signal();
    const adapters::linux_host::Clock clock;
    cli::World world{
        .cluster = (*client)->cluster(),
        .lease = (*client)->lease(),
        .clock = clock,
        .wait = [&client](model::Duration limit) { (*client)->wait(limit); },
        .interrupted = [] { return interrupted != 0; },
        .answers = [&client](const std::string& node) { return (*client)->answers(node); },
        .own_status = own_status,
        .ask = ask,
        .new_id = [] { return new_request_id(); },
        .bootstrap =
            [&app, &lines] {
                end_on_signal();  // can be interrupted again
                return bootstrap_copy(app.config(), [&lines](const std::string& line) {
                    lines.err("  " + line + "\n");
                });
            }};
    return verb(command, app.config(), world, lines);
}

int run_services(const cli::Command& command, const cluster::App& app, const cli::Lines& lines) {
    const auto& config = app.config();
    auto discovery = Discovery::connect(config, connect_patience);
    if (!discovery) {
        lines.err("Error: " + discovery.error().message + "\n");
        return cli::exit_failed;
    }
    const auto watch = [&](const model::ServiceFilter& filter, const auto& changed) {
        end_waits_on_signal();
        std::stop_source stop;
        const std::jthread on_signal{[&stop](const std::stop_token& end) {
            while (interrupted == 0 && !end.stop_requested())
                std::this_thread::sleep_for(std::chrono::milliseconds{50});
            stop.request_stop();
        }};
        (*discovery)->watch(filter, changed, stop.get_token(), [&lines](const model::Error& why) {
            lines.err("warning: " + why.message + "\n");
        });
    };
    return cli::run_services(command.services,
                             config.cluster_id,
                             {.find = [&] { return (*discovery)->find(); },
                              .watch = watch,
                              .replace_file = adapters::linux_host::replace_file},
                             lines);
}

/// One thread handles the signals; all others have them blocked from their start.
int run_node(const cluster::App& app, int fd, const cli::Lines& lines) {
    // The reader of the output may end before the daemon.
    signal(SIGPIPE, SIG_IGN);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::stop_source stop;
    std::jthread waiter{[&signals, &stop](const std::stop_token& end) {
        while (!end.stop_requested()) {
            if (sigwaitinfo(&signals, nullptr) > 0) stop.request_stop();
        }
    }};
    const int status = app.run(fd, stop.get_token(), [&app, &lines] {
        lines.out("✓ Daemon started. Node " + app.config().node_id + " of cluster " +
                  app.config().cluster_id + "\n");
    });
    if (status == 0) lines.out("✓ Daemon stopped\n");
    waiter.request_stop();
    // Wakes the waiter, which waits for nothing else.
    // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): the signal is blocked
    pthread_kill(waiter.native_handle(), SIGTERM);
    return status;
}

int run_version() {
    std::printf("convex-cluster-manager %s\n  commit: %s\n  built:  %s\n",
                version.data(),
                commit.data(),
                built.data());
    return cli::exit_done;
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments) {
    const cli::Lines lines{.out = [](std::string_view text) { print(stdout, text); },
                           .err = [](std::string_view text) { print(stderr, text); }};
    auto command = cli::parse_command_line(arguments);
    if (!command) {
        lines.err("Error: " + command.error().message + "; see convex-cluster-manager --help\n");
        return cli::exit_usage;
    }
    if (command->help) {
        lines.out(cli::help_text());
        return cli::exit_done;
    }
    const auto& verb = command->verb;
    if (verb == "version") return run_version();
    if (verb == "init") return cli::run_init(*command, lines);

    auto app = cluster::App::load_config(command->config_path, command->overrides);
    if (!app) {
        lines.err(app.error().message + "\n");
        // A backend that nobody guards must not depend on a file that somebody edits.
        if (verb == "fence") return run_fence_without_config(command->config_path);
        // Restarting these at their end is useless until the configuration is changed.
        return verb == "node" || verb == "daemon" ? model::exit_for_good : cli::exit_failed;
    }
    if (verb == "node") return run_node(*app, command->fd, lines);
    if (verb == "daemon") {
        for (const auto& warning : app->warnings()) {
            lines.err("warning: " + config::to_text(warning) + "\n");
        }
        if (const auto why = not_runnable(app->config()); !why.empty()) {
            lines.err(why + "\n");
            return model::exit_for_good;
        }
        lines.out("Starting convex-cluster-manager daemon...\n");
        return run_daemon(app->config(), node_arguments(arguments));
    }
    if (verb == "fence") return run_fence(app->config());
    if (verb == "status") return run_verb(cli::run_status, *command, *app, lines);
    if (verb == "list") return run_verb(cli::run_list, *command, *app, lines);
    if (verb == "promote") return run_verb(cli::run_promote, *command, *app, lines);
    if (verb == "demote") return run_verb(cli::run_demote, *command, *app, lines);
    if (verb == "failover") return run_verb(cli::run_failover, *command, *app, lines);
    if (verb == "remove") return run_verb(cli::run_remove, *command, *app, lines);
    if (verb == "pause") return run_verb(cli::run_pause, *command, *app, lines);
    if (verb == "resume") return run_verb(cli::run_resume, *command, *app, lines);
    if (verb == "leave") return run_verb(cli::run_leave, *command, *app, lines);
    if (verb == "services") return run_services(*command, *app, lines);
    if (verb == "join") return run_verb(cli::run_join, *command, *app, lines);
    lines.err("'" + verb + "' is not a command; see --help\n");
    return cli::exit_usage;
}

}  // namespace app
