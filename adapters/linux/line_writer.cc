#include "adapters/linux/line_writer.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "adapters/sync/mutex.h"

namespace adapters::linux_host {
namespace {

constexpr std::chrono::milliseconds end_limit{200};

/// False: the reader is gone.
bool write_all(int fd, std::string_view rest) {
    while (!rest.empty()) {
        const auto written = ::write(fd, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

class LineWriter::State {
public:
    State(int fd, DroppedLine dropped_line, std::size_t limit)
        : fd_{fd}, dropped_line_{std::move(dropped_line)}, limit_{limit} {}

    /// Writes until end() was called and the queue is empty.
    void run() EXCLUDES(mutex_) {
        while (const auto taken = take()) {
            // The dropped lines came after the queued ones.
            write_all(fd_, taken->lines);
            if (taken->dropped > 0 && dropped_line_) write_all(fd_, dropped_line_(taken->dropped));
            const sync::Lock lock{mutex_};
            writing_ = false;
            changed_.notify_all();
        }
    }

    void end(std::chrono::milliseconds patience) {
        const sync::Lock lock{mutex_};
        ended_ = true;
        changed_.notify_all();
        changed_.wait_for(
            mutex_, patience, [this]() REQUIRES(mutex_) { return queued_.empty() && !writing_; });
    }

    void write(std::string_view line) {
        {
            const sync::Lock lock{mutex_};
            if (queued_.size() + line.size() > limit_) {
                ++dropped_;
                return;
            }
            queued_ += line;
        }
        changed_.notify_all();
    }

    std::uint64_t dropped() {
        const sync::Lock lock{mutex_};
        return dropped_;
    }

private:
    struct Taken {
        std::string lines;
        std::uint64_t dropped;  // since the last report
    };

    /// Waits for lines. Empty: end() was called, and the queue is empty.
    std::optional<Taken> take() {
        const sync::Lock lock{mutex_};
        changed_.wait(mutex_, [this]() REQUIRES(mutex_) { return ended_ || !queued_.empty(); });
        if (queued_.empty()) return std::nullopt;
        writing_ = true;
        return Taken{.lines = std::exchange(queued_, {}),
                     .dropped = dropped_ - std::exchange(reported_, dropped_)};
    }

    const int fd_;
    const DroppedLine dropped_line_;
    const std::size_t limit_;

    sync::Mutex mutex_;
    sync::Condition changed_;
    std::string queued_ GUARDED_BY(mutex_);
    bool writing_ GUARDED_BY(mutex_) = false;
    bool ended_ GUARDED_BY(mutex_) = false;
    std::uint64_t dropped_ GUARDED_BY(mutex_) = 0;
    std::uint64_t reported_ GUARDED_BY(mutex_) = 0;  // dropped lines already reported
};

LineWriter::LineWriter(int fd, DroppedLine dropped_line, std::size_t limit)
    : state_{std::make_shared<State>(fd, std::move(dropped_line), limit)} {
    std::thread{[state = state_] { state->run(); }}.detach();
}

LineWriter::~LineWriter() { state_->end(end_limit); }

void LineWriter::write(std::string_view line) { state_->write(line); }

std::uint64_t LineWriter::dropped() const { return state_->dropped(); }

}  // namespace adapters::linux_host
