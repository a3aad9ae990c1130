#include "tests/support/processes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace test_support {
namespace {

struct Stat {
    char state = 'X';
    pid_t parent = 0;
};

Stat stat_of(pid_t pid) {
    const auto text = read_text("/proc/" + std::to_string(pid) + "/stat");
    // The name in the second field may contain anything; the last parenthesis ends it.
    const auto at = text.rfind(')');
    if (at == std::string::npos || at + 4 >= text.size()) return {};
    return {.state = text[at + 2], .parent = std::atoi(text.c_str() + at + 4)};
}

bool living(const Stat& stat) { return stat.state != 'X' && stat.state != 'Z'; }

std::vector<pid_t> all_processes() {
    std::vector<pid_t> pids;
    std::error_code failed;
    for (std::filesystem::directory_iterator each{"/proc", failed}, end; !failed && each != end;
         each.increment(failed)) {
        const auto pid = std::atoi(each->path().filename().c_str());
        if (pid > 0) pids.push_back(pid);
    }
    std::sort(pids.begin(), pids.end());
    return pids;
}

}  // namespace

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> to;
    for (auto& text : texts)
        to.push_back(text.data());
    to.push_back(nullptr);
    return to;
}

bool lives(pid_t pid) { return pid > 0 && living(stat_of(pid)); }

std::string read_text(const std::string& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string command_line(pid_t pid) {
    return read_text("/proc/" + std::to_string(pid) + "/cmdline");
}

std::vector<pid_t> children(pid_t parent) {
    std::vector<pid_t> found;
    for (const auto pid : all_processes()) {
        const auto stat = stat_of(pid);
        if (stat.parent == parent && living(stat)) found.push_back(pid);
    }
    return found;
}

std::vector<pid_t> processes_naming(const std::string& text) {
    std::vector<pid_t> found;
    for (const auto pid : all_processes()) {
        if (pid == ::getpid() || !lives(pid)) continue;
        const auto directory = "/proc/" + std::to_string(pid);
        if (command_line(pid).find(text) != std::string::npos ||
            read_text(directory + "/environ").find(text) != std::string::npos) {
            found.push_back(pid);
        }
    }
    return found;
}

pid_t spawn(const std::vector<std::string>& command,
            const std::vector<std::string>& environment,
            const std::string& log) {
    auto words = command;
    const auto argv = pointers(words);
    std::vector<std::string> variables;
    for (char** each = environ; *each != nullptr; ++each)
        variables.emplace_back(*each);
    variables.insert(variables.end(), environment.begin(), environment.end());
    const auto envp = pointers(variables);
    const auto parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::setsid();
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        const int in = ::open("/dev/null", O_RDONLY);
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(in, STDIN_FILENO);
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        ::close_range(3, ~0U, 0);
        ::execve(argv.front(), argv.data(), envp.data());
        ::_exit(127);
    }
    return pid < 0 ? 0 : pid;
}

std::optional<int> reap(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) return {};
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Ended run(const std::vector<std::string>& words, std::chrono::seconds limit) {
    const TempDir directory;
    const auto outputs = directory.path() + "/run";
    std::vector<std::string> command{"/bin/sh", "-c", R"(exec "$@" >"$0.out" 2>"$0.err")", outputs};
    command.insert(command.end(), words.begin(), words.end());
    const auto pid = spawn(command, {}, outputs + ".log");
    std::optional<int> status;
    if (!eventually([&] { return (status = reap(pid)).has_value(); }, limit)) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    return {.status = status.value_or(-1),
            .out = read_text(outputs + ".out"),
            .err = read_text(outputs + ".err")};
}

int free_port() {
    static std::mt19937 generator{std::random_device{}()};
    static std::set<int> given;
    std::uniform_int_distribution<int> ports{18000, 31999};
    for (int attempt = 0; attempt < 200; ++attempt) {
        const int port = ports(generator);
        if (given.contains(port)) continue;
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(static_cast<std::uint16_t>(port));
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool taken = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0;
        ::close(fd);
        if (taken) continue;
        given.insert(port);
        return port;
    }
    throw std::runtime_error{"no free port"};
}

}  // namespace test_support
