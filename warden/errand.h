// Work that may block on the kernel or on other processes, done in a helper process: the warden
// continues, and is notified of the end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "model/time.h"
#include "warden/helper.h"

namespace warden {

/// A helper that takes longer is blocked by something that hangs.
inline constexpr auto errand_patience = std::chrono::seconds{2};

/// One at a time. While one hangs, no other starts; it dies with the warden, or when it can.
class Errand {
public:
    /// name  shown by ps, at most 15 characters
    explicit Errand(const char* name) : name_{name} {}
    ~Errand();
    Errand(const Errand&) = delete;
    Errand& operator=(const Errand&) = delete;

    /// Runs `work` in a helper; its return value, at most 4 KiB, is the result. False: no process
    /// could be created.
    [[nodiscard]] bool start(const Origin& origin,
                             model::Instant now,
                             const std::function<std::string()>& work);

    /// The process is not reaped yet.
    [[nodiscard]] bool under_way() const { return pid_ > 0; }
    [[nodiscard]] model::Instant since() const { return since_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Becomes readable when result() may return something. -1: no result is awaited.
    [[nodiscard]] int fd() const { return fd_; }

    struct Result {
        bool whole = false;  // false: the process ended or was killed without a result
        std::string text;
    };
    /// Returned once per errand; empty: not there yet.
    [[nodiscard]] std::optional<Result> result();
    /// True: the pid is that of the helper.
    bool reaped(pid_t pid);

private:
    const char* name_;
    pid_t pid_ = 0;
    int fd_ = -1;
    model::Instant since_{};
};

}  // namespace warden
