// The log: constant names in the form noun.verb_past, facts in fields. Listed in docs/events.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reconcilers::ports {

enum class Level : std::uint8_t { debug, info, warning, error };

using Fields = std::vector<std::pair<std::string_view, std::string>>;

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
