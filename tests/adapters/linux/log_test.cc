// The log writer, and that no thread that logs waits for the reader.
#include "adapters/linux/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>

#include "adapters/linux/line_writer.h"
#include "tests/support/eventually.h"

namespace adapters::linux_host {
namespace {

using reconcilers::ports::Level;
using test_support::eventually;

std::string logged(model::LineFormat format, Level least) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    {
        Log log{format, least, ends[1]};
        log.emit(Level::debug, "a.debugged", {});
        log.info("lease.renewed", {{"epoch", "3"}});
        log.error("disk.full", {{"path", "a b"}});
    }
    ::close(ends[1]);
    std::string text(4096, '\0');
    text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
    ::close(ends[0]);
    return text;
}

TEST(Log, WritesALineForEachEventFromItsLevelUp) {
    EXPECT_EQ(logged(model::LineFormat::journal, Level::info),
              "<6>lease.renewed epoch=3\n<3>disk.full path=\"a b\"\n");
    EXPECT_EQ(logged(model::LineFormat::journal, Level::error), "<3>disk.full path=\"a b\"\n");
    EXPECT_EQ(logged(model::LineFormat::journal, Level::debug).substr(0, 14), "<7>a.debugged\n");
}

TEST(Log, LosesItsReaderWithoutHarm) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    ::close(ends[0]);
    const auto old = ::signal(SIGPIPE, SIG_IGN);
    {
        Log log{model::LineFormat::text, Level::info, ends[1]};
        for (int i = 0; i < 3; ++i)
            log.info("a.b");
    }  // ends, although nobody takes the lines
    ::signal(SIGPIPE, old);
    EXPECT_EQ(::close(ends[1]), 0) << "it is the caller's";
}

/// A pipe that is full and has no reader.
class FullPipe {
public:
    FullPipe() {
        EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
        ::fcntl(ends_[1], F_SETPIPE_SZ, 4096);
        ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
        const std::string filler(4096, '.');
        while (::write(ends_[1], filler.data(), filler.size()) > 0) {
        }
        ::fcntl(ends_[1], F_SETFL, 0);  // from here on a write blocks
    }
    ~FullPipe() { ::close(ends_[0]); }  // a blocked writer gets EPIPE; it owns the other end
    FullPipe(const FullPipe&) = delete;
    FullPipe& operator=(const FullPipe&) = delete;

    [[nodiscard]] int in() const { return ends_[1]; }
    /// Reads until `text` has arrived, or nothing has arrived for two seconds.
    std::string read_until(std::string_view text) {
        std::string all;
        pollfd ready{.fd = ends_[0], .events = POLLIN, .revents = 0};
        while (all.find(text) == std::string::npos && ::poll(&ready, 1, 2000) == 1) {
            std::array<char, 4096> buffer{};
            const auto got = ::read(ends_[0], buffer.data(), buffer.size());
            if (got <= 0) break;
            all.append(buffer.data(), static_cast<std::size_t>(got));
        }
        return all;
    }

private:
    std::array<int, 2> ends_{};
};

TEST(Log, NobodyWaitsForAReaderThatHangsAndWhatIsLostIsCounted) {
    FullPipe pipe;
    std::signal(SIGPIPE, SIG_IGN);
    {
        Log log{model::LineFormat::text, Level::info, pipe.in()};
        const std::string value(1000, 'x');
        // More than the queue holds, so the rest is dropped. A blocking write would block for ever.
        for (int i = 0; i < 2000; ++i)
            log.info("a.b", {{"n", std::to_string(i)}, {"value", value}});
        const auto text = pipe.read_until("log.lines_dropped");
        EXPECT_NE(text.find("a.b n=0 "), std::string::npos);
        EXPECT_EQ(text.find("n=1999 "), std::string::npos);
        EXPECT_NE(text.find("log.lines_dropped lines="), std::string::npos);
        log.info("c.d");
        EXPECT_NE(pipe.read_until("c.d").find("c.d"), std::string::npos) << "it goes on";
    }
}

TEST(LineWriter, EndsThoughAWriteHangs) {
    FullPipe pipe;
    std::signal(SIGPIPE, SIG_IGN);
    const auto from = std::chrono::steady_clock::now();
    {
        LineWriter writer{pipe.in()};
        writer.write("never read\n");
    }
    EXPECT_LT(std::chrono::steady_clock::now() - from, std::chrono::seconds{5});
}

TEST(LineWriter, CountsWhatFoundNoRoomAndTakesNoPartOfALine) {
    FullPipe pipe;
    std::signal(SIGPIPE, SIG_IGN);
    LineWriter writer{pipe.in(), {}, 10};
    writer.write("0123456789\n");  // larger than the queue
    EXPECT_EQ(writer.dropped(), 1U);
    writer.write("first\n");  // the thread takes it and blocks
    ASSERT_TRUE(eventually([&] {
        const auto before = writer.dropped();
        writer.write("12345\n");
        writer.write("67890\n");
        return writer.dropped() > before;
    }));
}

}  // namespace
}  // namespace adapters::linux_host
