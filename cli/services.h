// The verbs of the service registry.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/services_line.h"
#include "cli/world.h"
#include "model/result.h"
#include "model/service.h"

namespace cli {

/// What they need from the world.
struct ServicesWorld {
    /// All there is now. unavailable: the registry cannot be read.
    std::function<model::Result<model::FoundServices>()> find;
    /// What matches, at once and with each change, until `changed` returns false or the user gives
    /// up.
    std::function<void(const model::ServiceFilter&,
                       const std::function<bool(const model::FoundServices&)>& changed)>
        watch;
    /// Makes the text the content of a file, atomically and only where it is another one.
    std::function<model::Result<bool>(const std::string& path, std::string_view text)> replace_file;
};

/// An exit status. Where the registry cannot be read nothing goes to `out`, and no file is touched.
[[nodiscard]] int run_services(const ServicesCommand& command,
                               std::string_view cluster_id,
                               const ServicesWorld& world,
                               const Lines& lines);

/// SERVICE NODE ADDRESS PORT PROTOCOL HEALTH TAGS
[[nodiscard]] std::string services_table(const std::vector<model::ServiceEntry>& entries);
/// Everything of each, for people.
[[nodiscard]] std::string services_text(const std::vector<model::ServiceEntry>& entries);

}  // namespace cli
