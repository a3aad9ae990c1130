#include "model/event_line.h"

#include <algorithm>

#include "model/json_text.h"
#include "model/wall_time.h"

namespace model {
namespace {

bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-./:@+,%"}.find(c) != std::string_view::npos;
}

void append_fields(std::string& line, const EventFields& fields) {
    for (const auto& [key, value] : fields) {
        line += ' ';
        line += key;
        line += '=';
        if (!value.empty() && std::all_of(value.begin(), value.end(), plain))
            line += value;
        else  // JSON's escapes in every format, so that readers need one rule
            append_quoted(line, value);
    }
}

char journal_priority(EventLevel level) {
    switch (level) {
        case EventLevel::debug:
            return '7';
        case EventLevel::info:
            return '6';
        case EventLevel::warning:
            return '4';
        case EventLevel::error:
            return '3';
    }
    return '6';
}

}  // namespace

std::string_view to_text(EventLevel level) {
    switch (level) {
        case EventLevel::debug:
            return "debug";
        case EventLevel::info:
            return "info";
        case EventLevel::warning:
            return "warning";
        case EventLevel::error:
            return "error";
    }
    return "?";
}

Result<EventLevel> parse_event_level(std::string_view text) {
    for (const auto level :
         {EventLevel::debug, EventLevel::info, EventLevel::warning, EventLevel::error})
        if (text == to_text(level)) return level;
    return error(Errc::invalid,
                 "log level \"" + std::string{text} + "\" is none of debug, info, warning, error");
}

Result<LineFormat> parse_line_format(std::string_view text) {
    if (text == "text") return LineFormat::text;
    if (text == "json") return LineFormat::json;
    if (text == "journald") return LineFormat::journal;
    return error(Errc::invalid,
                 "log format \"" + std::string{text} + "\" is none of text, json, journald");
}

std::string event_line(LineFormat format,
                       WallTime at,
                       EventLevel level,
                       std::string_view name,
                       const EventFields& fields) {
    std::string line;
    switch (format) {
        case LineFormat::text: {
            line = to_rfc3339(at) + ' ';
            std::string word{to_text(level)};
            word.resize(7, ' ');
            line += word + ' ';
            line += name;
            append_fields(line, fields);
            break;
        }
        case LineFormat::journal:
            line = {'<', journal_priority(level), '>'};
            line += name;
            append_fields(line, fields);
            break;
        case LineFormat::json:
            line = R"({"time":")" + to_rfc3339(at) + R"(","level":")";
            line += to_text(level);
            line += R"(","event":)";
            append_quoted(line, name);
            for (const auto& [key, value] : fields) {
                line += ',';
                append_quoted(line, key);
                line += ':';
                append_quoted(line, value);
            }
            line += '}';
            break;
    }
    line += '\n';
    return line;
}

}  // namespace model
