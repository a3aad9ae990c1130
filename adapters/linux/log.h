// Writes log events to stderr, one line per event.
#pragma once

#include <string_view>

#include "adapters/linux/line_writer.h"
#include "model/event_line.h"
#include "reconcilers/ports/events.h"

namespace adapters::linux_host {

/// Events below `least` are dropped. Lines of several threads never mix. emit() does not wait for
/// the reader of stderr: lines that are not taken in time are dropped, and a later line reports
/// their number.
class Log final : public reconcilers::ports::Events {
public:
    /// fd  the descriptor; see LineWriter
    Log(model::LineFormat format, reconcilers::ports::Level least, int fd = 2);

    void emit(reconcilers::ports::Level level,
              std::string_view name,
              const reconcilers::ports::Fields& fields) override;

private:
    model::LineFormat format_;
    reconcilers::ports::Level least_;
    LineWriter writer_;
};

/// `journal` where stderr is connected to the journal (JOURNAL_STREAM), else `text`.
[[nodiscard]] model::LineFormat default_format();

}  // namespace adapters::linux_host
