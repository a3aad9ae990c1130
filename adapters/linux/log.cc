#include "adapters/linux/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "adapters/linux/clock.h"

namespace adapters::linux_host {
namespace {

using reconcilers::ports::Level;

std::string line(model::LineFormat format,
                 Level level,
                 std::string_view name,
                 const reconcilers::ports::Fields& fields) {
    return model::event_line(format, Clock{}.wall(), level, name, fields);
}

}  // namespace

Log::Log(model::LineFormat format, Level least, int fd)
    : format_{format},
      least_{least},
      writer_{
          fd, [format](std::uint64_t count) {
              const auto write = [format](Level level,
                                          std::string_view name,
                                          const reconcilers::ports::Fields& fields) {
                  return line(format, level, name, fields);
              };
              return write(Level::warning, "log.lines_dropped", {{"lines", std::to_string(count)}});
          }} {}

void Log::emit(Level level, std::string_view name, const reconcilers::ports::Fields& fields) {
    if (level >= least_) writer_.write(line(format_, level, name, fields));
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
