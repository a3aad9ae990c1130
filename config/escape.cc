#include "config/escape.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace config {
namespace {

using Words = std::vector<std::string>;

struct Escape {
    std::string_view what;     // it does
    std::string_view instead;  // to be configured
    std::vector<std::string_view> programs;
};

const std::array<Escape, 4>& escapes() {
    static const std::array<Escape, 4> all{
        Escape{"has an engine run the service",
               "backend.kind = docker",
               {"docker",
                "docker-compose",
                "podman",
                "podman-compose",
                "nerdctl",
                "ctr",
                "crictl",
                "kubectl",
                "lxc",
                "lxc-start",
                "lxc-execute",
                "lxc-attach",
                "incus"}},
        Escape{"has systemd run the service",
               "backend.kind = systemd",
               {"systemctl", "systemd-run", "systemd-nspawn", "machinectl", "service", "run0"}},
        Escape{"runs the service as another user, whom the daemon may not kill",
               "backend.process.user",
               {"sudo", "sudoedit", "su", "doas", "runuser", "pkexec"}},
        Escape{"has others run the service, or runs it elsewhere",
               "backend.process.command with the service's own program",
               {"ssh",
                "nsenter",
                "at",
                "batch",
                "crontab",
                "tmux",
                "screen",
                "dtach",
                "daemonize",
                "start-stop-daemon"}}};
    return all;
}

bool any_of_these(std::string_view name, std::initializer_list<std::string_view> these) {
    return std::find(these.begin(), these.end(), name) != these.end();
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// These become the program that they are given.
bool becomes_another(std::string_view program) {
    return any_of_these(last_part(program),
                        {"env",
                         "nice",
                         "nohup",
                         "ionice",
                         "stdbuf",
                         "timeout",
                         "setsid",
                         "chrt",
                         "taskset",
                         "setpriv",
                         "time",
                         "exec",
                         "command"});
}

bool is_shell(std::string_view program) {
    return any_of_these(last_part(program), {"sh", "bash", "dash", "ash", "ksh", "zsh"});
}

bool is_variable(std::string_view word) {
    const auto at = word.find('=');
    return at != std::string_view::npos && at > 0;
}

// Behind its options, variables and numbers; the end where there is none.
Words::const_iterator next_program(Words::const_iterator at, Words::const_iterator end) {
    return std::find_if(at + 1, end, [](const std::string& word) {
        return !word.empty() && word.front() != '-' && !is_variable(word) &&
               (word.front() < '0' || word.front() > '9');
    });
}

// The text of `sh -c TEXT`, `bash -ec TEXT`; the end where it has none.
Words::const_iterator text_of_shell(Words::const_iterator at, Words::const_iterator end) {
    for (++at; at != end && at->size() > 1 && at->front() == '-'; ++at)
        if ((*at)[1] != '-' && at->find('c') != std::string::npos) return at + 1;
    return end;
}

// The simple commands of a shell's text, as words without their quotes. What a shell makes of
// variables and substitutions is not known here: such a word stays as it is written.
std::vector<Words> commands_of(std::string_view text) {
    std::vector<Words> all(1);
    std::string word;
    bool begun = false;
    char quote = 0;
    const auto end_word = [&] {
        if (begun) all.back().push_back(word);
        word.clear();
        begun = false;
    };
    for (const char c : text) {
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            begun = true;
        } else if (c == ' ' || c == '\t') {
            end_word();
        } else if (std::string_view{";&|\n(){}"}.find(c) != std::string_view::npos) {
            end_word();
            if (!all.back().empty()) all.emplace_back();
        } else {
            word += c;
            begun = true;
        }
    }
    end_word();
    if (all.back().empty()) all.pop_back();
    return all;
}

Words without_variables(const Words& words) {
    const auto first = std::find_if(
        words.begin(), words.end(), [](const auto& word) { return !is_variable(word); });
    return {first, words.end()};
}

std::string program_of(const Words& words, int depth);

std::string program_of_text(std::string_view text, int depth) {
    const auto commands = commands_of(text);
    std::string last;
    for (const auto& each : commands) {
        const auto words = without_variables(each);
        if (words.empty()) continue;
        last = program_of(words, depth);
        if (words.front() == "exec") return last;
    }
    return last;
}

// Limit of shells within shells that are read; a deeper command is taken for unknown.
constexpr int deepest = 4;

std::string program_of(const Words& words, int depth) {
    auto at = words.begin();
    while (at != words.end() && becomes_another(*at))
        at = next_program(at, words.end());
    if (at == words.end()) return {};
    if (!is_shell(*at) || depth == deepest) return *at;
    const auto text = text_of_shell(at, words.end());
    if (text == words.end()) return *at;
    return program_of_text(*text, depth + 1);
}

// A program of one's own may well be called so: only the system's is meant.
bool is_somebodys_own(std::string_view program) {
    const auto directory = program.substr(0, program.size() - last_part(program).size());
    return any_of_these(last_part(program), {"service", "at", "batch", "screen", "ctr"}) &&
           !any_of_these(directory,
                         {"",
                          "/bin/",
                          "/sbin/",
                          "/usr/bin/",
                          "/usr/sbin/",
                          "/usr/local/bin/",
                          "/usr/local/sbin/"});
}

}  // namespace

std::string service_program(const std::vector<std::string>& command) {
    return program_of(command, 0);
}

std::string why_it_escapes(const std::string& program, std::string_view file) {
    if (is_somebodys_own(program) && (file.empty() || file == last_part(program))) return {};
    const auto name = last_part(program);
    for (const auto& [what, instead, programs] : escapes())
        for (const auto each : programs)
            if (each == name || each == file)
                return "\"" + program + "\" " + std::string{what} +
                       ": it would go on after the lease has ended; use " + std::string{instead};
    return {};
}

}  // namespace config
