#include "warden/group.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "model/ids.h"
#include "warden/cgroup.h"
#include "warden/proc.h"

namespace warden {
namespace {

using model::Errc;

bool has_token(std::string_view environment, const std::vector<Saved::Backend>& backends) {
    while (!environment.empty()) {
        const auto variable = environment.substr(0, environment.find('\0'));
        environment.remove_prefix(std::min(environment.size(), variable.size() + 1));
        if (variable.size() <= token_variable.size() || variable[token_variable.size()] != '=' ||
            variable.substr(0, token_variable.size()) != token_variable)
            continue;
        const auto token = variable.substr(token_variable.size() + 1);
        return std::any_of(backends.begin(), backends.end(), [token](const auto& backend) {
            return !backend.token.empty() && backend.token == token;
        });
    }
    return false;
}

// Whether its user is one that a backend ran as; true also where that is not known.
bool may_belong(pid_t pid, const std::vector<Saved::Backend>& backends) {
    const auto status = read_all("/proc/" + std::to_string(pid) + "/status");
    if (!status) return status.error().code != Errc::not_found;
    const auto at = status->find("\nUid:\t");
    if (at == std::string::npos) return true;
    const auto uid = std::strtoul(status->c_str() + at + 6, nullptr, 10);
    return std::any_of(backends.begin(), backends.end(), [uid](const auto& backend) {
        return backend.uid == uid;
    });
}

}  // namespace

void kill_leftover(const Saved::Backend& backend) {
    const auto same = [&backend] { return process_life(backend.pid, backend.start_ticks).alive(); };
    if (backend.pid > 0) (void)kill_if(backend.pid, same);
    if (!backend.cgroup.empty()) kill_cgroup(backend.cgroup);
}

Life leftover_life(const Saved::Backend& backend) {
    auto life = process_life(backend.pid, backend.start_ticks);
    if (backend.cgroup.empty()) return life;
    return both(std::move(life), cgroup_life(backend.cgroup));
}

TokenSearch kill_by_token(const std::vector<Saved::Backend>& backends) {
    TokenSearch search;
    const auto hidden = [&search](std::string why) {
        ++search.hidden;
        search.why = std::move(why);
    };
    std::uint64_t first = ~std::uint64_t{0};
    for (const auto& backend : backends)
        first = std::min(first, backend.start_ticks);
    const auto listed = for_each_process([&](pid_t pid) {
        if (pid == 1 || pid == ::getpid() || pid == ::getppid()) return;
        const auto stat = process_stat(pid);
        // No process of it is older than its main process.
        if (stat && (stat->ended() || stat->start_ticks < first)) return;
        if (!stat && stat.error().code == Errc::not_found) return;
        const auto path = "/proc/" + std::to_string(pid) + "/environ";
        // Its first thread has ended, so that its data in /proc cannot be read any more.
        if (stat && stat->state == 'Z') {
            if (may_belong(pid, backends)) hidden(path + ": its first thread ended");
            return;
        }
        const auto environment = read_all(path);
        if (!environment) {
            if (environment.error().code == Errc::not_found || !may_belong(pid, backends)) return;
            hidden(environment.error().message);
            return;
        }
        if (!has_token(*environment, backends)) return;
        const bool sent = kill_if(pid, [&] {
            const auto again = read_all(path);
            return again && has_token(*again, backends);
        });
        if (sent)
            ++search.killed;
        else if (process_stat(pid))
            hidden(path + ": cannot be killed");
    });
    if (!listed) hidden(listed.error().message);
    // Where process 1 is not visible, others are hidden, too (hidepid).
    if (const auto init = process_stat(1); !init) hidden(init.error().message);
    return search;
}

std::string to_text(const TokenSearch& search) {
    return std::to_string(search.killed) + " " + std::to_string(search.hidden) + " " + search.why;
}

model::Result<TokenSearch> parse_token_search(std::string_view text) {
    const auto malformed = model::error(Errc::corrupt, "not a result of a search");
    const auto first = text.find(' ');
    if (first == std::string_view::npos) return malformed;
    const auto second = text.find(' ', first + 1);
    if (second == std::string_view::npos) return malformed;
    const auto killed = model::parse_number(text.substr(0, first));
    const auto hidden = model::parse_number(text.substr(first + 1, second - first - 1));
    if (!killed || !hidden || *killed > 1'000'000'000 || *hidden > 1'000'000'000) return malformed;
    return TokenSearch{.killed = static_cast<int>(*killed),
                       .hidden = static_cast<int>(*hidden),
                       .why = std::string{text.substr(second + 1)}};
}

}  // namespace warden
