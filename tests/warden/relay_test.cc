// Collector and printer, the two helpers between the daemon's output and the log, over pipes.
#include "warden/relay.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace warden {
namespace {

constexpr auto text_format = model::LineFormat::text;

class Pipe {
public:
    explicit Pipe(int flags = 0) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        read_ = ends[0];
        write_ = ends[1];
        ::fcntl(read_, F_SETFL, flags);
        ::fcntl(write_, F_SETFL, flags);
    }
    ~Pipe() {
        close_read();
        close_write();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int read_end() const { return read_; }
    [[nodiscard]] int write_end() const { return write_; }
    void close_read() {
        if (read_ >= 0) ::close(read_);
        read_ = -1;
    }
    void close_write() {
        if (write_ >= 0) ::close(write_);
        write_ = -1;
    }
    /// Blocks where the descriptor is blocking.
    void send(std::string_view text) const {
        while (!text.empty()) {
            pollfd wait{.fd = write_, .events = POLLOUT, .revents = 0};
            ::poll(&wait, 1, -1);
            const auto wrote =
                ::write(write_, text.data(), std::min<std::size_t>(text.size(), 4096));
            if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
        }
    }
    /// Reads until end of file, or until `enough` has arrived.
    [[nodiscard]] std::string receive(const std::string& enough = {}) const {
        std::string all;
        char buffer[4096];
        while (enough.empty() || all.find(enough) == std::string::npos) {
            pollfd wait{.fd = read_, .events = POLLIN, .revents = 0};
            ::poll(&wait, 1, -1);
            const auto got = ::read(read_, buffer, sizeof buffer);
            if (got == 0) return all;
            if (got > 0) all.append(buffer, static_cast<std::size_t>(got));
        }
        return all;
    }

private:
    int read_ = -1;
    int write_ = -1;
};

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in{text};
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::uint64_t reported_as_dropped(const std::vector<std::string>& lines) {
    std::uint64_t sum = 0;
    for (const auto& line : lines)
        if (const auto at = line.find("log.lines_dropped lines="); at != std::string::npos)
            sum += std::stoull(line.substr(at + 24));
    return sum;
}

TEST(Collector, HandsOverLinesOfAllItsSources) {
    Pipe own{O_NONBLOCK};
    Pipe node{O_NONBLOCK};
    Pipe out{O_NONBLOCK};
    std::thread collector{[&] {
        collect_lines({own.read_end(), node.read_end()}, out.write_end(), text_format);
        out.close_write();
    }};
    node.send("of the node\nunfinis");
    own.send("of the warden\n");
    node.send("hed\nno end");
    node.close_write();
    own.close_write();
    auto lines = lines_of(out.receive());
    collector.join();
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(lines,
              (std::vector<std::string>{"no end", "of the node", "of the warden", "unfinished"}));
}

TEST(Collector, DropsWholeLinesThatAreNotTakenAndReportsTheirNumber) {
    Pipe own{O_NONBLOCK};
    Pipe out{O_NONBLOCK};
    std::thread collector{[&] { collect_lines({own.read_end()}, out.write_end(), text_format); }};
    constexpr std::uint64_t sent = 20'000;
    const std::string filler(100, 'x');
    for (std::uint64_t i = 0; i < sent;
         ++i)  // far more than the pipe holds: the collector must not block
        own.send(std::to_string(i) + " " + filler + "\n");
    auto taken = out.receive("log.lines_dropped");
    own.send("after\n");
    own.close_write();
    collector.join();
    out.close_write();
    taken += out.receive();
    const auto lines = lines_of(taken);
    std::uint64_t whole = 0;
    std::uint64_t notes = 0;
    for (const auto& line : lines) {
        if (line.find("log.lines_dropped") != std::string::npos) {
            ++notes;
        } else if (line != "after") {
            ++whole;
            EXPECT_EQ(line.size(), std::to_string(std::stoull(line)).size() + 101) << line;
        }
    }
    EXPECT_GT(whole, 100U);
    EXPECT_GT(notes, 0U);
    EXPECT_EQ(whole + reported_as_dropped(lines), sent);
}

TEST(Collector, CutsALineThatIsLongerThanItsBuffer) {
    Pipe own{O_NONBLOCK};
    Pipe out{O_NONBLOCK};
    std::thread collector{[&] {
        collect_lines({own.read_end()}, out.write_end(), text_format);
        out.close_write();
    }};
    const std::string text(longest_line + 100, 'x');
    own.send(text + "\n");
    own.close_write();
    const auto lines = lines_of(out.receive());
    collector.join();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0] + lines[1], text);
}

TEST(Collector, EndsWhenNobodyReadsWhatItHandsOver) {
    Pipe own{O_NONBLOCK};
    Pipe out{O_NONBLOCK};
    out.close_read();
    collect_lines({own.read_end()}, out.write_end(), text_format);
}

TEST(Printer, WaitsForAReaderAsLongAsItTakes) {
    Pipe in;
    Pipe out{O_NONBLOCK};  // another process made it non-blocking
    std::thread printer{[&] {
        print_lines(in.read_end(), out.write_end(), text_format);
        out.close_write();
    }};
    std::string all;
    for (int i = 0; i < 3000; ++i)
        all += std::to_string(i) + " " + std::string(100, 'x') + "\n";
    std::thread writer{[&] {
        in.send(all);
        in.close_write();
    }};
    EXPECT_EQ(out.receive(), all);
    writer.join();
    printer.join();
}

TEST(Printer, ReportsWhatTheLogRefused) {
    ::signal(SIGPIPE, SIG_IGN);
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    const int target = ::dup(full);
    Pipe in;
    std::thread printer{[&] { print_lines(in.read_end(), target, text_format); }};
    const auto send_and_see_taken = [&in](std::string_view line) {
        in.send(line);
        int left = 1;
        while (left != 0) {
            std::this_thread::yield();
            ASSERT_EQ(::ioctl(in.read_end(), FIONREAD, &left), 0);
        }
    };
    send_and_see_taken("one\ntwo\n");
    // the first two were refused before; this one may be, or the next
    send_and_see_taken("three\n");
    Pipe out;
    ASSERT_GE(::dup2(out.write_end(), target), 0);
    out.close_write();
    in.send("four\n");
    in.close_write();
    printer.join();
    ::close(target);
    ::close(full);
    const auto lines = lines_of(out.receive());
    ASSERT_GE(lines.size(), 2U);
    EXPECT_EQ(lines.back(), "four");
    const bool third = std::find(lines.begin(), lines.end(), "three") != lines.end();
    EXPECT_EQ(reported_as_dropped(lines), third ? 2U : 3U);
}

}  // namespace
}  // namespace warden
