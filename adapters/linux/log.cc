#include "adapters/linux/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "adapters/linux/clock.h"

namespace adapters::linux_host {
namespace {

using reconcilers::ports::Level;

model::EventLevel to_line_level(Level level) {
    switch (level) {
        case Level::debug:
            return model::EventLevel::debug;
        case Level::info:
            return model::EventLevel::info;
        case Level::warning:
            return model::EventLevel::warning;
        case Level::error:
            return model::EventLevel::error;
    }
    return model::EventLevel::error;
}

}  // namespace

void Log::emit(Level level, std::string_view name, const reconcilers::ports::Fields& fields) {
    if (level < least_) return;
    const auto line =
        model::event_line(format_, Clock{}.wall(), to_line_level(level), name, fields);
    std::string_view rest{line};
    while (!rest.empty()) {
        const auto written = ::write(fd_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;  // nobody is left to tell
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

model::LineFormat default_format() {
    const char* const journal = std::getenv("JOURNAL_STREAM");
    struct stat what {};
    if (journal != nullptr && ::fstat(STDERR_FILENO, &what) == 0 &&
        std::to_string(what.st_dev) + ":" + std::to_string(what.st_ino) == journal)
        return model::LineFormat::journal;
    return model::LineFormat::text;
}

}  // namespace adapters::linux_host
