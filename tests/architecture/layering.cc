#include "tests/architecture/layering.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>

namespace architecture {
namespace {

namespace fs = std::filesystem;

/// The part that a rule names: "model", "reconcilers/ports", "adapters/json".
std::string part_of(const std::string& path) {
    const auto first = path.find('/');
    if (first == std::string::npos) return path;
    auto part = path.substr(0, first);
    if (part == "adapters" || path.starts_with("reconcilers/ports/")) {
        part = path.substr(0, path.find('/', first + 1));
    }
    return part;
}

bool may_include(const std::string& from, const std::string& to) {
    if (from == to) return true;
    if (from == "tests") return true;
    if (to == "tests" || to == "warden" || to == "examples") return false;
    if (from == "app") return true;
    if (to == "app") return from == "examples";
    if (from == "model" || from == "warden" || from == "config") return to == "model";
    if (from == "reconcilers/ports") return to == "model";
    if (from == "adapters/sync") return false;  // may include nothing of the program
    const bool inwards = to == "model" || to == "reconcilers/ports";
    // What operators may ask for, as the CLI, the library and the API offer it.
    if (to == "control") return from == "cli" || from == "api";
    // Of the adapters, those that read the file and look at the disk for it.
    if (to == "config") return from == "cli" || from == "adapters/json" || from == "adapters/linux";
    if (from.starts_with("adapters/")) {
        return inwards || to == "adapters/json" || to == "adapters/kv" || to == "adapters/sync";
    }
    if (from == "examples") return to == "model";
    return inwards;  // reconcilers, api, cli
}

/// Headers of the C++ library have neither dot nor slash in their names.
bool is_standard(std::string_view name) { return name.find_first_of("./") == std::string::npos; }

/// Headers of C and Linux, which our headers may include.
bool is_system(std::string_view name) {
    for (const std::string_view directory :
         {"sys/", "netinet/", "arpa/", "net/", "linux/", "bits/"}) {
        if (name.starts_with(directory)) return true;
    }
    static const std::set<std::string_view> names{"dirent.h",
                                                  "errno.h",
                                                  "fcntl.h",
                                                  "grp.h",
                                                  "netdb.h",
                                                  "poll.h",
                                                  "pthread.h",
                                                  "pwd.h",
                                                  "sched.h",
                                                  "signal.h",
                                                  "spawn.h",
                                                  "stddef.h",
                                                  "stdint.h",
                                                  "stdio.h",
                                                  "stdlib.h",
                                                  "string.h",
                                                  "time.h",
                                                  "unistd.h",
                                                  "ifaddrs.h"};
    return names.contains(name);
}

/// Model and reconcilers must not use headers for time, randomness, threads or I/O: ports provide
/// these.
bool is_pure(const std::string& from, std::string_view name) {
    static const std::set<std::string_view> impure{"atomic",
                                                   "barrier",
                                                   "condition_variable",
                                                   "filesystem",
                                                   "fstream",
                                                   "future",
                                                   "iostream",
                                                   "latch",
                                                   "mutex",
                                                   "random",
                                                   "semaphore",
                                                   "shared_mutex",
                                                   "stop_token",
                                                   "syncstream",
                                                   "thread"};
    if (from.starts_with("model/ltx/") && name.starts_with("lz4")) return true;
    return is_standard(name) && !impure.contains(name);
}

/// Returns `"model/ids.h"` for the line `#include "model/ids.h"`.
std::optional<std::string> include_of(std::string_view line) {
    const auto skip = [&line](std::string_view word) {
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (!line.starts_with(word)) return false;
        line.remove_prefix(word.size());
        return true;
    };
    if (!skip("#") || !skip("include") || !skip("")) return std::nullopt;
    if (line.empty() || (line.front() != '<' && line.front() != '"')) return std::nullopt;
    const auto end = line.find(line.front() == '<' ? '>' : '"', 1);
    if (end == std::string_view::npos) return std::nullopt;
    return std::string{line.substr(0, end + 1)};
}

class Graph {
public:
    explicit Graph(const Includes& files) : files_{files} {}

    std::vector<std::string> cycles() {
        for (const auto& [file, includes] : files_)
            visit(file);
        return found_;
    }

private:
    void visit(const std::string& file) {
        if (done_.contains(file)) return;
        const auto open = std::find(path_.begin(), path_.end(), file);
        if (open != path_.end()) {
            std::string cycle;
            for (auto step = open; step != path_.end(); ++step)
                cycle += *step + " -> ";
            found_.push_back("a cycle: " + cycle + file);
            return;
        }
        path_.push_back(file);
        const auto node = files_.find(file);
        if (node != files_.end()) {
            for (const auto& include : node->second) {
                if (include.front() == '"') visit(include.substr(1, include.size() - 2));
            }
        }
        path_.pop_back();
        done_.insert(file);
    }

    const Includes& files_;
    std::vector<std::string> path_;
    std::set<std::string> done_;
    std::vector<std::string> found_;
};

}  // namespace

Includes read_includes(const std::string& root) {
    Includes files;
    for (const char* part : {"adapters",
                             "api",
                             "app",
                             "cli",
                             "config",
                             "control",
                             "examples",
                             "model",
                             "reconcilers",
                             "tests",
                             "warden"}) {
        for (const auto& entry : fs::recursive_directory_iterator{fs::path{root} / part}) {
            auto path = fs::relative(entry.path(), root).generic_string();
            // x.h.in is included as x.h, which the build generates.
            if (path.ends_with(".h.in")) path.resize(path.size() - 3);
            if (!path.ends_with(".h") && !path.ends_with(".cc")) continue;
            auto& includes = files[path];
            std::ifstream file{entry.path()};
            for (std::string line; std::getline(file, line);) {
                if (auto include = include_of(line)) includes.push_back(*std::move(include));
            }
        }
    }
    return files;
}

/// Headers private to an adapter, which exist to show its library to two of its files.
static bool shows_its_library(const std::string& file, std::string_view include) {
    return file == "adapters/nats/link.h" && include == "nats/nats.h";
}

std::vector<std::string> violations(const Includes& files) {
    std::vector<std::string> found;
    for (const auto& [file, includes] : files) {
        const auto from = part_of(file);
        const bool header = file.ends_with(".h");
        const bool inner = from == "model" || from == "config" || from == "control" ||
                           from.starts_with("reconcilers");
        for (const auto& include : includes) {
            const auto name = include.substr(1, include.size() - 2);
            const auto complain = [&, &in = file](const std::string& rule) {
                found.push_back(in + " includes " + include + ": " + rule);
            };
            if (include.front() == '"') {
                if (!files.contains(name)) {
                    complain("no file of ours has this path from the root of the tree");
                } else if (!may_include(from, part_of(name))) {
                    complain(from + " must not know " + part_of(name));
                } else if (from == "app" && part_of(name) == "cli" &&
                           !file.starts_with("app/program.")) {
                    complain("the library does without the command line");
                }
                continue;
            }
            if (inner && !is_pure(file, name)) {
                complain("what decides takes the world through ports alone");
            } else if (from == "warden" && !is_standard(name) && !is_system(name)) {
                complain("the warden uses no library");
            } else if (header && from != "tests" && !shows_its_library(file, name) &&
                       !is_standard(name) && !is_system(name)) {
                complain("a header of ours shows no library");
            }
        }
    }
    for (auto& cycle : Graph{files}.cycles())
        found.push_back(std::move(cycle));
    return found;
}

}  // namespace architecture
