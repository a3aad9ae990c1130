#include "warden/relay.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>

namespace warden {
namespace {

using model::EventLevel;

std::uint64_t count_lines(std::string_view text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string log_event(model::LineFormat format,
                      EventLevel level,
                      std::string_view name,
                      const model::EventFields& fields) {
    return model::event_line(format, wall_now(), level, name, fields);
}

/// Splits bytes into whole lines.
class LineBuffer {
public:
    explicit LineBuffer(std::size_t size) : text_(size, '\0') {}

    /// One read. False: end of file, or nothing to read.
    bool fill(int fd) {
        // One byte is reserved for the newline that the last line may lack.
        const auto got = ::read(fd, text_.data() + size_, text_.size() - 1 - size_);
        if (got == 0) ended_ = true;
        if (got > 0) size_ += static_cast<std::size_t>(got);
        return got > 0;
    }
    [[nodiscard]] bool ended() const { return ended_; }
    /// Nothing more is read, even if there are writers.
    void end() { ended_ = true; }

    /// The complete lines in the buffer; a line that fills the buffer counts as complete, and so
    /// does the rest at the end. Valid until consume().
    [[nodiscard]] std::string_view lines() {
        const std::string_view all{text_.data(), size_};
        const auto last = all.rfind('\n');
        if (last != std::string_view::npos) return all.substr(0, last + 1);
        const bool full = size_ == text_.size() - 1;
        if (!full && (!ended_ || size_ == 0)) return {};
        text_[size_++] = '\n';
        return {text_.data(), size_};
    }
    void consume(std::size_t bytes) {
        std::memmove(text_.data(), text_.data() + bytes, size_ - bytes);
        size_ -= bytes;
    }

private:
    std::string text_;
    std::size_t size_ = 0;
    bool ended_ = false;
};

/// The collector's writing end of the pipe to the printer.
class Outlet {
public:
    Outlet(int fd, model::LineFormat format) : fd_{fd}, format_{format} {}

    void hand_over(std::string_view lines) {
        if (!catch_up() || !put(lines)) dropped_ += count_lines(lines);
    }
    /// Writes the rest of a begun line, then the report of dropped ones. False: the pipe is still
    /// full.
    bool catch_up() {
        if (!rest_.empty()) {
            const auto wrote = ::write(fd_, rest_.data(), rest_.size());
            if (wrote > 0) rest_.erase(0, static_cast<std::size_t>(wrote));
        }
        if (!rest_.empty()) return false;
        if (dropped_ == 0) return true;
        const auto dropped = dropped_;
        dropped_ = 0;
        if (put(dropped_line(format_, dropped))) return rest_.empty();
        dropped_ = dropped;
        return false;
    }
    [[nodiscard]] bool behind() const { return !rest_.empty() || dropped_ > 0; }

private:
    /// False: nothing was written.
    bool put(std::string_view lines) {
        const auto wrote = ::write(fd_, lines.data(), lines.size());
        if (wrote <= 0) return false;
        const auto done = static_cast<std::size_t>(wrote);
        if (lines[done - 1] == '\n') {
            dropped_ += count_lines(lines.substr(done));
            return true;
        }
        // A line was begun: it is finished first.
        const auto end = lines.find('\n', done) + 1;
        rest_ = lines.substr(done, end - done);
        dropped_ += count_lines(lines.substr(end));
        return true;
    }

    int fd_;
    model::LineFormat format_;
    std::string rest_;
    std::uint64_t dropped_ = 0;
};

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto wrote = ::write(fd, text.data(), text.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0 && errno == EAGAIN) {
            // Another process made it non-blocking; this one may block.
            pollfd wait{.fd = fd, .events = POLLOUT, .revents = 0};
            ::poll(&wait, 1, -1);
            continue;
        }
        if (wrote <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return true;
}

}  // namespace

model::WallTime wall_now() {
    timespec at{};
    ::clock_gettime(CLOCK_REALTIME, &at);
    return {.ms = at.tv_sec * 1000 + at.tv_nsec / 1'000'000};
}

std::string dropped_line(model::LineFormat format, std::uint64_t lines) {
    return log_event(
        format, EventLevel::warning, "log.lines_dropped", {{"lines", std::to_string(lines)}});
}

void collect_lines(const std::vector<int>& from, int to, model::LineFormat format) {
    Outlet outlet{to, format};
    std::vector<LineBuffer> buffers(from.size(), LineBuffer{longest_line});
    const auto hand_over = [&outlet](LineBuffer& buffer) {
        const auto lines = buffer.lines();
        if (lines.empty()) return;
        outlet.hand_over(lines);
        buffer.consume(lines.size());
    };
    while (!buffers.front().ended()) {
        std::vector<pollfd> polls;
        for (const int fd : from)
            polls.push_back({.fd = fd, .events = POLLIN, .revents = 0});
        polls.push_back(
            {.fd = to, .events = static_cast<short>(outlet.behind() ? POLLOUT : 0), .revents = 0});
        if (::poll(polls.data(), polls.size(), -1) < 0) continue;
        if ((polls.back().revents & POLLERR) != 0) return;
        if (outlet.behind()) (void)outlet.catch_up();
        for (std::size_t i = 0; i < from.size(); ++i) {
            if (polls[i].revents == 0) continue;
            (void)buffers[i].fill(from[i]);
            hand_over(buffers[i]);
        }
    }
    // Reads a pipe's capacity, without waiting for writers that continue.
    for (std::size_t i = 0; i < from.size(); ++i) {
        for (int reads = 0; reads < 8 && buffers[i].fill(from[i]); ++reads)
            hand_over(buffers[i]);
        buffers[i].end();
        hand_over(buffers[i]);
    }
}

void print_lines(int from, int to, model::LineFormat format) {
    LineBuffer buffer{4 * longest_line};
    std::uint64_t dropped = 0;
    while (!buffer.ended()) {
        (void)buffer.fill(from);
        const auto lines = buffer.lines();
        if (lines.empty()) continue;
        if (dropped > 0 && write_all(to, dropped_line(format, dropped))) dropped = 0;
        if (dropped > 0 || !write_all(to, lines)) dropped += count_lines(lines);
        buffer.consume(lines.size());
    }
}

}  // namespace warden
