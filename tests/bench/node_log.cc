#include "tests/bench/node_log.h"

#include <algorithm>
#include <sstream>

#include "model/wall_time.h"

namespace bench {

std::vector<Event> events_of(const std::string& log) {
    std::vector<Event> events;
    std::istringstream lines{log};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line};
        std::string at;
        std::string level;
        Event event;
        if (!(words >> at >> level >> event.name)) continue;
        const auto time = model::parse_rfc3339(at);
        if (!time) continue;
        event.at = *time;
        for (std::string word; words >> word;) {
            const auto equals = word.find('=');
            if (equals != std::string::npos) {
                event.fields[word.substr(0, equals)] = word.substr(equals + 1);
            }
        }
        events.push_back(std::move(event));
    }
    return events;
}

std::optional<double> ms_between(const std::vector<Event>& events,
                                 const std::string& from,
                                 const std::string& to) {
    const auto named = [](const std::string& name) {
        return [&name](const Event& event) { return event.name == name; };
    };
    const auto last = std::find_if(events.rbegin(), events.rend(), named(from));
    if (last == events.rend()) return {};
    const auto next = std::find_if(last.base(), events.end(), named(to));
    if (next == events.end()) return {};
    return static_cast<double>(next->at.ms - last->at.ms);
}

}  // namespace bench
