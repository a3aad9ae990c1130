// The text of a daemon's lock file: the pid of who holds it, and the path of its state file, a line
// each. The warden writes it; commands read it.
#pragma once

#include <string>
#include <string_view>

namespace model {

struct LockText {
    std::string holder;      // pid; "": unknown
    std::string state_file;  // absolute; "": unknown
    friend bool operator==(const LockText&, const LockText&) = default;
};

[[nodiscard]] std::string to_text(const LockText& lock);
/// A line that has no end was not written whole and is left out.
[[nodiscard]] LockText parse_lock_text(std::string_view text);

}  // namespace model
