#include "tests/architecture/locks.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>

namespace architecture {
namespace {

namespace fs = std::filesystem;

/// The definition of the mutex; an example program that does not use our code; and this file.
bool is_exempt(const std::string& file) {
    return file.starts_with("adapters/sync/") || file.starts_with("examples/") ||
           file.starts_with("tests/architecture/");
}

/// A fast filter before the regular expressions: every line that matches one of them has such a
/// word.
bool may_name_a_lock(const std::string& line) {
    for (const char* word :
         {"utex", "lock", "condition_", "semaphore", "once", "pthread", "SAFETY"}) {
        if (line.find(word) != std::string::npos) return true;
    }
    return false;
}

const std::regex& foreign_lock() {
    static const std::regex expression{
        "#\\s*include\\s*<(mutex|shared_mutex|condition_variable|semaphore)>|"
        "\\bstd::((recursive_|timed_|recursive_timed_|shared_|shared_timed_)?mutex|"
        "condition_variable(_any)?|lock_guard|unique_lock|scoped_lock|shared_lock|call_once|"
        "once_flag)\\b|"
        "\\bpthread_(mutex|cond|rwlock|spin)_|\\bNO_THREAD_SAFETY_ANALYSIS\\b"};
    return expression;
}

/// The block in braces around the place, without the braces: the class of a member. The whole text
/// where there is none.
std::string_view block_around(std::string_view text, std::size_t place) {
    std::size_t from = place;
    for (int open = 0; from > 0 && open < 1; --from) {
        if (text[from - 1] == '{') ++open;
        if (text[from - 1] == '}') --open;
    }
    std::size_t to = place;
    for (int open = 1; to < text.size() && open > 0; ++to) {
        if (text[to] == '{') ++open;
        if (text[to] == '}') --open;
    }
    return text.substr(from, to - from);
}

}  // namespace

std::vector<std::string> lock_violations(const std::string& file, const std::string& text) {
    std::vector<std::string> found;
    if (is_exempt(file)) return found;
    static const std::regex declared{R"(\bMutex\s+(\w+)\s*(;|\{|ACQUIRED_))"};
    std::istringstream lines{text};
    std::size_t next = 0;
    for (std::string line; std::getline(lines, line);) {
        const auto place = std::exchange(next, next + line.size() + 1);
        if (!may_name_a_lock(line)) continue;
        std::smatch match;
        if (std::regex_search(line, match, foreign_lock())) {
            found.push_back(file + " has " + match.str() +
                            ": locks are those of adapters/sync, which clang checks");
        }
        if (!std::regex_search(line, match, declared)) continue;
        const auto name = match[1].str();
        const std::regex guards{"\\b(PT_)?GUARDED_BY\\(" + name + "\\)"};
        const std::string owner{
            block_around(text, place + static_cast<std::size_t>(match.position()))};
        if (!std::regex_search(owner, guards)) {
            found.push_back(file + ": nothing is GUARDED_BY(" + name + ')');
        }
    }
    return found;
}

std::vector<std::string> tree_lock_violations(const std::string& root) {
    std::vector<std::string> found;
    for (const auto& part : fs::directory_iterator{root}) {
        const auto name = part.path().filename().string();
        if (!part.is_directory() || name.starts_with('.') || name == "build") continue;
        for (const auto& entry : fs::recursive_directory_iterator{part.path()}) {
            const auto path = fs::relative(entry.path(), root).generic_string();
            if (!path.ends_with(".h") && !path.ends_with(".cc")) continue;
            std::ifstream file{entry.path()};
            std::ostringstream text;
            text << file.rdbuf();
            for (auto& each : lock_violations(path, text.str()))
                found.push_back(std::move(each));
        }
    }
    return found;
}

}  // namespace architecture
