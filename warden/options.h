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
    std::string data_lock;  // beside the database, one daemon for each; "": none
    model::Duration ttl{};
    model::Duration margin{};
    model::Duration stop_timeout = std::chrono::seconds{90};
    model::LineFormat log_format = model::LineFormat::text;
    bool cgroup = true;
    bool strike_only = false;
    bool help = false;
    int list_fd = -1;               // of the list of what it may start, kill and unbind; -1: empty
    std::vector<std::string> node;  // command line of the node process
};

/// invalid: an unknown option, or a missing or impossible value.
[[nodiscard]] model::Result<Options> parse_options(const std::vector<std::string>& arguments);

[[nodiscard]] const char* usage();

}  // namespace warden
