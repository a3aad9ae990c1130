// Makes the warden's list of what it may start, kill and unbind, from the configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/backend_kind.h"
#include "config/config.h"
#include "model/result.h"
#include "model/warden_list.h"

namespace app {

/// The backend's entry in the list.
inline constexpr model::WardenEntry backend_entry{0};
/// That of a virtual address, by its place in virtual_addresses().
[[nodiscard]] constexpr model::WardenEntry address_entry(std::size_t address) {
    return {static_cast<std::uint32_t>(address + 1)};
}

/// A backend of the kind systemd is the cgroup of its unit at `place`; elsewhere that is not used.
/// Looks up a process backend's user and groups, which blocks as long as the machine's name service
/// does. If they do not exist, the entry has the reason, and the node still keeps a copy of the
/// data. invalid: the list would be too long.
[[nodiscard]] model::Result<model::WardenList> warden_list(const config::Config& config,
                                                           const UnitPlace& place);

/// Passes the virtual addresses in the list on to the node process, in the environment. It reads
/// the configuration again at each of its starts, and the list is fixed: an address that somebody
/// has changed meanwhile would be bound outside the warden's deadline (W0).
void pass_on(const std::vector<config::Vip>& vips);
/// Empty: nothing was passed on.
[[nodiscard]] std::optional<std::vector<config::Vip>> passed_on_vips();

/// Why the warden cannot kill what this backend's command starts, with the key; "" it can.
[[nodiscard]] std::string escaping_command(const config::Config& config);

/// Returns an open file with the list, to be inherited by the program that this process becomes.
/// unavailable: it could not be created.
[[nodiscard]] model::Result<int> open_list(const model::WardenList& list);

}  // namespace app
