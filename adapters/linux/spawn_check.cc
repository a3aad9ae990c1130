#include "adapters/linux/spawn_check.h"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "adapters/linux/spawn_names.h"
#include "adapters/sync/mutex.h"

namespace adapters::linux_host {
namespace {

using model::Result;
using reconcilers::ports::SpawnSpec;

constexpr std::chrono::milliseconds patience{400};

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string user_of(const SpawnSpec& spec) {
    return spec.user.empty() ? "the daemon's user" : "user " + spec.user;
}

/// 0, or errno's value: whether the calling thread may search (a directory) or execute it.
int why_not_usable(const std::string& path) {
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

bool is_directory(const std::string& path) {
    struct stat what {};
    return ::stat(path.c_str(), &what) == 0 && S_ISDIR(what.st_mode);
}

std::string missing_directory(const SpawnSpec& spec) {
    if (spec.dir.empty()) return {};
    const auto name = "backend.process.dir: " + quoted(spec.dir);
    const int failure = why_not_usable(spec.dir);
    if (failure == ENOENT) return name + " is not there: make it, or correct the key";
    if (failure == EACCES)
        return name + " may not be entered by " + user_of(spec) +
               ": give that user the right to, on it and each directory above";
    if (failure != 0) return name + ": " + std::strerror(failure);
    if (!is_directory(spec.dir)) return name + " is no directory: correct the key";
    return {};
}

std::string missing_program(const SpawnSpec& spec, const std::vector<std::string>& path) {
    const auto& program = spec.command.front();
    const auto name = "backend.process.command: " + quoted(program);
    if (program.front() == '/') {
        const int failure = why_not_usable(program);
        if (failure == ENOENT) return name + " is not there: install it, or correct the key";
        if (failure == EACCES)
            return name + " may not be executed by " + user_of(spec) +
                   ": give that user the right to, on it and each directory above";
        if (failure != 0) return name + ": " + std::strerror(failure);
        if (is_directory(program)) return name + " is a directory: name the program in it";
        return {};
    }
    std::string all;
    for (const auto& directory : path) {
        auto candidate = directory;
        candidate += '/';
        candidate += program;
        if (why_not_usable(candidate) == 0 && !is_directory(candidate)) return {};
        all += (all.empty() ? "" : ":") + directory;
    }
    return name + " is not found in PATH (" + all + ") as a program that " + user_of(spec) +
           " may execute: install it, or name its absolute path";
}

/// From here on the calling thread alone has the rights of that user for files. False: it may not.
bool take_rights_of(const model::Spawn& spawn) {
    if (!spawn.change_user) return true;
    // The calls of the C library would change all threads.
    if (::syscall(SYS_setgroups, spawn.groups.size(), spawn.groups.data()) != 0) return false;
    ::setfsgid(spawn.gid);
    ::setfsuid(spawn.uid);
    // They tell only what it was before.
    constexpr auto none = static_cast<uid_t>(-1);
    return static_cast<gid_t>(::setfsgid(none)) == spawn.gid &&
           static_cast<uid_t>(::setfsuid(none)) == spawn.uid;
}

}  // namespace

std::string missing_needs(const SpawnSpec& spec) {
    const auto spawn = resolve(spec);
    if (!spawn)
        return "backend.process: " + spawn.error().message +
               " on this machine: correct the key, or make what is missing; then restart the "
               "daemon";
    if (!take_rights_of(*spawn))
        return "backend.process.user: the daemon has no right to run a program as " +
               (spec.user.empty() ? "group " + spec.group : "user " + spec.user) +
               ": start the daemon as root or as that user";
    auto missing = missing_directory(spec);
    if (missing.empty()) missing = missing_program(spec, spawn->path);
    return missing;
}

class SpawnCheck::Checker {
public:
    Checker(SpawnSpec spec, Check check) : spec_{std::move(spec)}, check_{std::move(check)} {}

    /// The thread's. `self` keeps this for as long as a check lasts.
    static void run(const std::shared_ptr<Checker>& self) {
        while (self->wait()) {
            auto missing = self->check_(self->spec_);
            self->publish(std::move(missing));
        }
    }

    Result<void> check() {
        const sync::Lock lock{mutex_};
        if (!checking_) {
            checking_ = true;
            changed_.notify_all();
        }
        const bool ended =
            changed_.wait_for(mutex_, patience, [this]() REQUIRES(mutex_) { return !checking_; });
        if (!ended)
            return model::error(model::Errc::invalid,
                                "backend.process: the check of its user, " +
                                    (spec_.command.empty() ? "" : spec_.command.front()) + " and " +
                                    (spec_.dir.empty() ? "/" : spec_.dir) +
                                    " does not come to an end: does a file system or the name "
                                    "service of this machine hang?");
        if (!missing_.empty()) return model::error(model::Errc::invalid, missing_);
        return {};
    }

    void end() {
        const sync::Lock lock{mutex_};
        ended_ = true;
        changed_.notify_all();
    }

private:
    bool wait() {
        const sync::Lock lock{mutex_};
        changed_.wait(mutex_, [this]() REQUIRES(mutex_) { return checking_ || ended_; });
        return !ended_;
    }
    void publish(std::string missing) {
        const sync::Lock lock{mutex_};
        missing_ = std::move(missing);
        checking_ = false;
        changed_.notify_all();
    }

    const SpawnSpec spec_;
    const Check check_;
    sync::Mutex mutex_;
    sync::Condition changed_;
    bool checking_ GUARDED_BY(mutex_) = false;
    bool ended_ GUARDED_BY(mutex_) = false;
    std::string missing_ GUARDED_BY(mutex_);  // by the last check; "": nothing
};

SpawnCheck::SpawnCheck(SpawnSpec spec, Check check)
    : checker_{std::make_shared<Checker>(std::move(spec), std::move(check))} {
    // Detached: one that hangs in the kernel cannot be waited for.
    std::thread{[checker = checker_] { Checker::run(checker); }}.detach();
}

SpawnCheck::~SpawnCheck() { checker_->end(); }

Result<void> SpawnCheck::check() { return checker_->check(); }

}  // namespace adapters::linux_host
