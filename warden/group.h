// All processes of a backend: in a cgroup of their own where there is a writable cgroup2, else told
// by a token in their environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "warden/core.h"

namespace warden {

/// In the environment of every process of a backend.
inline constexpr std::string_view token_variable = "CONVEX_WARDEN_TOKEN";

/// Of a backend under this lock file. The same for each warden on it, so that what an earlier one
/// left is found even without its state file.
[[nodiscard]] std::string cgroup_name(std::string_view lock_file);

/// Makes the cgroup `name` below the warden's own and returns its absolute path; "" where that
/// cannot be had, with the reason in `why`.
[[nodiscard]] std::string make_cgroup(const std::string& name, std::string& why);

/// Start of a process since boot, in clock ticks; empty: no such process, or a zombie.
[[nodiscard]] std::optional<std::uint64_t> start_ticks(std::int32_t pid);

/// SIGKILL to every process of it, and to none that only has a pid of it. With a cgroup: to all of
/// them at one moment. Without: to those that kept its token in their environment, one by one.
void kill_group(const Saved::Backend& backend);

[[nodiscard]] bool group_lives(const Saved::Backend& backend);

}  // namespace warden
