// Commands that the warden cannot end: they have somebody else run the service, who is no child of
// theirs, and end without it. Recognised by name; no file is read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace config {

/// The word of a command that names what becomes the service: the first one; behind `env`, `nice`
/// and the like, the program that those become; behind `sh -c`, the one that the text `exec`s, or
/// its last one. "": it cannot be known.
[[nodiscard]] std::string service_program(const std::vector<std::string>& command);

/// Why `program` cannot be it, and what to configure instead; "": nothing is known against it.
///
/// file  the name of what a link of that name leads to; "": it is not known
[[nodiscard]] std::string why_it_escapes(const std::string& program, std::string_view file = {});

}  // namespace config
