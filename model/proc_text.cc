#include "model/proc_text.h"

#include <cstdlib>

namespace model {

std::optional<ProcessStat> parse_process_stat(const std::string& text) {
    // The name in the second field may contain anything; the last parenthesis ends it.
    auto at = text.rfind(')');
    if (at == std::string::npos || at + 2 >= text.size()) return std::nullopt;
    at += 2;
    ProcessStat stat{.state = text[at]};
    for (int field = 4; field <= 52; ++field) {
        at = text.find(' ', at);
        if (at == std::string::npos) return std::nullopt;
        ++at;
        const char* const number = text.c_str() + at;
        if (field == 4) stat.parent = static_cast<std::int32_t>(std::strtol(number, nullptr, 10));
        if (field == 20) stat.threads = std::strtol(number, nullptr, 10);
        if (field == 22) stat.start_ticks = std::strtoull(number, nullptr, 10);
        if (field == 52)
            stat.exit_status = static_cast<std::int32_t>(std::strtol(number, nullptr, 10));
    }
    return stat;
}

std::vector<std::int32_t> parse_pids(const std::string& text) {
    std::vector<std::int32_t> all;
    const char* at = text.c_str();
    char* end = nullptr;
    for (long pid = 0; (pid = std::strtol(at, &end, 10)) > 0; at = end)
        all.push_back(static_cast<std::int32_t>(pid));
    return all;
}

}  // namespace model
