// The program: from what was typed to what is done.
#include "cli/command_line.h"

#include <signal.h>

#include <csignal>
#include <cstdio>
#include <string_view>
#include <thread>

#include "adapters/linux/clock.h"
#include "app/app.h"
#include "app/client.h"
#include "app/daemon.h"
#include "app/version.h"
#include "cli/init.h"
#include "cli/verbs.h"
#include "cli/views.h"

namespace cluster {
namespace {

constexpr std::chrono::seconds connect_patience{5};

void print(std::FILE* to, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), to);
    std::fflush(to);
}

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C ends a verb's wait, the next one the program.
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

using Verb = int (*)(const cli::Command&, const model::Config&, cli::World&, const cli::Lines&);

int run_verb(Verb verb, const cli::Command& command, const App& app, const cli::Lines& lines) {
    auto client = app::Client::connect(app.config(), connect_patience);
    if (!client) {
        lines.err("Error: " + client.error().message + "\n");
        if (verb == cli::run_status && command.output == cli::Output::table) {
            lines.out(cli::status_text_without_store(app.config()));
        }
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
        .new_id = [] { return app::new_wish_id(); },
        .bootstrap =
            [&app, &lines] {
                end_on_signal();  // it can be begun again
                return app::bootstrap_copy(app.config(), [&lines](const std::string& line) {
                    lines.err("  " + line + "\n");
                });
            }};
    return verb(command, app.config(), world, lines);
}

/// Signals are taken by one thread; every other one has them blocked from its start.
int run_node(const App& app, int fd) {
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
    const int status = app.run(fd, stop.get_token());
    waiter.request_stop();
    // It waits for nothing else. NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): it is blocked
    pthread_kill(waiter.native_handle(), SIGTERM);
    return status;
}

int run_version() {
    std::printf("convex-cluster-manager %s\n  commit: %s\n  built:  %s\n",
                app::version.data(),
                app::commit.data(),
                app::built.data());
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

    auto app = App::load_config(command->config_path, command->overrides);
    if (!app) {
        lines.err(app.error().message + "\n");
        // Who starts these again at their end need not try: it takes an edit first.
        return verb == "node" || verb == "daemon" ? app::exit_for_good : cli::exit_failed;
    }
    if (verb == "node") return run_node(*app, command->fd);
    if (verb == "daemon") {
        for (const auto& warning : app->warnings()) {
            lines.err("warning: " + model::to_text(warning) + "\n");
        }
        if (const auto why = app::not_runnable(app->config()); !why.empty()) {
            lines.err(why + "\n");
            return app::exit_for_good;
        }
        lines.out("Starting convex-cluster-manager daemon...\n");
        return app::run_daemon(app->config(), app::node_arguments(arguments));
    }
    if (verb == "fence") return app::run_fence(app->config());
    if (verb == "status") return run_verb(cli::run_status, *command, *app, lines);
    if (verb == "list") return run_verb(cli::run_list, *command, *app, lines);
    if (verb == "promote") return run_verb(cli::run_promote, *command, *app, lines);
    if (verb == "demote") return run_verb(cli::run_demote, *command, *app, lines);
    if (verb == "leave") return run_verb(cli::run_leave, *command, *app, lines);
    if (verb == "join") return run_verb(cli::run_join, *command, *app, lines);
    lines.err("'" + verb + "' is not a command; see --help\n");
    return cli::exit_usage;
}

}  // namespace cluster
