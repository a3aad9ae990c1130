// Writes lines to a descriptor whose reader may hang (a full pipe, a paused terminal, a file system
// that does not answer) without ever blocking the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace adapters::linux_host {

/// A thread of its own writes. The queue is limited in bytes; a line for which there is no room is
/// dropped and counted.
class LineWriter {
public:
    /// Makes the line, with its newline, that reports dropped lines; written as soon as there is
    /// room again.
    using DroppedLine = std::function<std::string(std::uint64_t count)>;

    /// fd  the descriptor; not owned, and used until the last line is written, so it must stay open
    /// for
    ///     the life of the process
    explicit LineWriter(int fd, DroppedLine dropped_line = {}, std::size_t limit = default_limit);
    /// Waits up to 200 ms for the queue to be written. A thread that hangs in a write is left
    /// behind and ends with the process.
    ~LineWriter();
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    /// From any thread. Holds a lock for the time of a copy; makes no system call.
    void write(std::string_view line);
    /// Number of lines dropped since the start.
    [[nodiscard]] std::uint64_t dropped() const;

    static constexpr std::size_t default_limit = std::size_t{256} * 1024;

private:
    class State;
    std::shared_ptr<State> state_;  // shared with the thread, which may outlive this object
};

}  // namespace adapters::linux_host
