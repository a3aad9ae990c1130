#include "tests/support/litestream.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

namespace test_support {
namespace {

std::string directory() {
    const char* const given = std::getenv("LITESTREAM_DIR");
    return given != nullptr ? given : LITESTREAM_DIRECTORY;
}

}  // namespace

std::string litestream(const std::string& version) {
    const auto program = directory() + "/" + version + "/litestream";
    return ::access(program.c_str(), X_OK) == 0 ? program : std::string{};
}

std::string no_litestream(const std::string& version) {
    return "no Litestream " + version + " in " + directory() + ": scripts/litestream.sh builds it";
}

Restored restore_with_litestream(const std::string& version,
                                 const std::string& replica,
                                 const std::string& into) {
    const auto log = into + ".log";
    std::vector<std::string> words{litestream(version), "restore", "-o", into, replica};
    std::vector<char*> pointers;
    for (auto& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    pid_t pid = 0;
    Restored restored;
    if (::posix_spawn(&pid, words.front().c_str(), &actions, nullptr, pointers.data(), environ) ==
        0) {
        ::waitpid(pid, &restored.status, 0);
    }
    ::posix_spawn_file_actions_destroy(&actions);
    std::ifstream printed{log};
    restored.output = {std::istreambuf_iterator<char>{printed}, {}};
    return restored;
}

}  // namespace test_support
