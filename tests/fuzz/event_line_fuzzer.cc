// Log lines: whatever a value contains, an event is one line, and valid JSON in that format. There
// is no parser here; values come from answers, files and other nodes.
#include <nlohmann/json.hpp>

#include "model/event_line.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using Json = nlohmann::json;

void check_json(std::string_view line, const std::string& value) {
    const auto json = Json::parse(line, nullptr, false);
    require(json.is_object(), "a line of JSON is an object", line);
    require(json.value("event", "") == "thing.happened" && json.value("level", "") == "warning",
            "a line says what happened");
    const auto found = json.value("value", "");
    // Bytes that are not UTF-8 are replaced; valid text is unchanged.
    const bool text =
        Json::accept(Json(value).dump(-1, ' ', false, Json::error_handler_t::ignore)) &&
        Json(value).dump(-1, ' ', false, Json::error_handler_t::ignore) ==
            Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
    require(!text || found == value, "a value comes through as it is", line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string value{fuzz::text_of(data, size)};
    for (const auto format :
         {model::LineFormat::text, model::LineFormat::json, model::LineFormat::journal}) {
        const auto line = model::event_line(format,
                                            model::WallTime{1'767'323'045'678},
                                            model::EventLevel::warning,
                                            "thing.happened",
                                            {{"value", value}});
        require(line.find('\n') == line.size() - 1, "an event is one line", line);
        const bool control = std::any_of(
            line.begin(), line.end() - 1, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
        require(!control, "a line has no control characters", line);
        require(line.size() <= 256 + 6 * size, "a line is no longer than its value", line);
        if (format == model::LineFormat::json) check_json(line, value);
    }
    return 0;
}
