// Times of events on a node, from its own log.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/time.h"

namespace bench {

struct Event {
    model::WallTime at;
    std::string name;
    std::map<std::string, std::string> fields;  // values without spaces
};

/// Every event in a log, oldest first.
[[nodiscard]] std::vector<Event> events_of(const std::string& log);

/// Time from the last `from` to the first `to` after it, in ms. Empty: one of them is missing.
[[nodiscard]] std::optional<double> ms_between(const std::vector<Event>& events,
                                               const std::string& from,
                                               const std::string& to);

}  // namespace bench
