// The warden's command line.
#pragma once

#include <string>
#include <vector>

#include "model/event_line.h"
#include "model/result.h"
#include "model/time.h"

namespace warden {

struct Options {
    std::string lock_file;
    std::string state_file;
    model::Duration ttl{};
    model::Duration margin{};
    model::Duration stop_timeout = std::chrono::seconds{90};
    model::LineFormat log_format = model::LineFormat::text;
    bool cgroup = true;
    bool strike_only = false;
    bool help = false;
    std::vector<std::string> node;  // the command of the node process
};

/// invalid: an unknown option, a missing or an impossible value.
[[nodiscard]] model::Result<Options> parse_options(const std::vector<std::string>& arguments);

[[nodiscard]] const char* usage();

}  // namespace warden
