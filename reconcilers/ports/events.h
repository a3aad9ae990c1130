// Log events: constant names of the form noun.verb_past, with facts in fields. Listed in
// docs/events.md.
#pragma once

#include <string_view>

#include "model/event_line.h"

namespace reconcilers::ports {

using Level = model::EventLevel;
using Fields = model::EventFields;

class Events {
public:
    virtual ~Events() = default;
    virtual void emit(Level level, std::string_view name, const Fields& fields) = 0;

    void info(std::string_view name, const Fields& fields = {}) { emit(Level::info, name, fields); }
    void warning(std::string_view name, const Fields& fields = {}) {
        emit(Level::warning, name, fields);
    }
    void error(std::string_view name, const Fields& fields = {}) {
        emit(Level::error, name, fields);
    }
};

}  // namespace reconcilers::ports
