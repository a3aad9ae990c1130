// The log on stderr, one line per event.
#pragma once

#include "model/event_line.h"
#include "reconcilers/ports/events.h"

namespace adapters::linux_host {

/// Lines below `least` are dropped. Each line is one write: lines of several threads and processes
/// never mix. May block as long as the reader of stderr does.
class Log final : public reconcilers::ports::Events {
public:
    /// fd  where to; not owned
    Log(model::LineFormat format, reconcilers::ports::Level least, int fd = 2)
        : format_{format}, least_{least}, fd_{fd} {}

    void emit(reconcilers::ports::Level level,
              std::string_view name,
              const reconcilers::ports::Fields& fields) override;

private:
    model::LineFormat format_;
    reconcilers::ports::Level least_;
    int fd_;
};

/// journald where stderr is the journal's (JOURNAL_STREAM), else text.
[[nodiscard]] model::LineFormat default_format();

}  // namespace adapters::linux_host
