// Makes system calls of another program block until the test releases them, or return EAGAIN where
// the caller asked for that: the effects of a full pipe, a hanging disk or a locked kernel.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sync/mutex.h"

namespace tests {

class HeldCalls {
public:
    struct Call {
        pid_t pid = 0;
        std::string program;  // process name, as shown by ps
        int fd = -1;          // -1: the call opens a file
        std::string file;     // what the descriptor refers to, or the path to open
        bool waits = true;    // false: a non-blocking call
    };
    /// Selects calls; called on a thread of this object.
    using Which = std::function<bool(const Call&)>;

    HeldCalls();
    /// Releases the held calls, which then fail with ENOSYS.
    ~HeldCalls();
    HeldCalls(const HeldCalls&) = delete;
    HeldCalls& operator=(const HeldCalls&) = delete;

    /// Call in the program's process before its exec: from then on its writes, sends and opens, and
    /// those of its descendants, are intercepted. Blocks until attach() was called.
    void install() const;
    /// Call in the test, with the process that called install(). Throws on failure.
    void attach(pid_t pid);
    /// Holds the calls that `which` selects, from now on.
    void hold(Which which);

    /// The calls held so far.
    [[nodiscard]] std::vector<Call> held() const;

private:
    void serve();

    int go_[2] = {-1, -1};
    int listener_ = -1;
    int stop_[2] = {-1, -1};
    mutable adapters::sync::Mutex mutex_;
    Which which_ GUARDED_BY(mutex_);
    std::vector<Call> held_ GUARDED_BY(mutex_);
    std::thread thread_;
};

}  // namespace tests
