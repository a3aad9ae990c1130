// What the warden may start, kill and unbind. The daemon makes this list from the configuration
// before it becomes the warden, and it never changes after that; the node process can only name an
// entry by its number. Rule: W0 of docs/protocol.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/bytes.h"
#include "model/result.h"

namespace model {

/// Index of an entry in the list, from 0.
struct WardenEntry {
    std::uint32_t number = 0;
    friend bool operator==(WardenEntry, WardenEntry) = default;
};

/// A backend that runs as a child of the warden. User and groups are already looked up: a lookup
/// may block on the network, which the warden must not do.
struct Spawn {
    std::vector<std::string> command;  // [0] is absolute, or a bare name looked up in `path`
    std::vector<std::string> path;     // absolute directories
    std::string dir;                   // absolute
    std::vector<std::string> env;      // NAME=value
    bool change_user = false;  // false: runs as the warden's user; the next three are unused
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    std::vector<std::pair<std::string, std::uint64_t>> limits;  // "nofile", ...: soft = hard
    std::string refused;  // why it cannot be started; "" where no reason is known
    friend bool operator==(const Spawn&, const Spawn&) = default;
};

/// Something else that ends with the lease and that the warden does not run itself: the processes
/// in the cgroup of a unit or a container, or an address.
struct WardenTarget {
    enum class Kind : std::uint32_t { cgroup = 1, address };
    Kind kind = Kind::cgroup;
    std::string name;       // absolute path of the cgroup; or "192.0.2.7/24", "2001:db8::7/64"
    std::string interface;  // of an address: the name; its index is looked up at use
    friend bool operator==(const WardenTarget&, const WardenTarget&) = default;
};

inline constexpr std::size_t target_name_limit = 1024;
inline constexpr std::size_t interface_limit = 15;  // IFNAMSIZ - 1
inline constexpr std::size_t warden_entry_limit = 32;
/// Largest size of an encoded list, in bytes.
inline constexpr std::size_t warden_list_limit = std::size_t{256} * 1024;

using WardenItem = std::variant<Spawn, WardenTarget>;

struct WardenList {
    std::vector<WardenItem> items;

    /// Null: there is no such entry, or it is of another kind.
    [[nodiscard]] const Spawn* spawn(WardenEntry entry) const;
    [[nodiscard]] const WardenTarget* target(WardenEntry entry) const;
    friend bool operator==(const WardenList&, const WardenList&) = default;
};

/// invalid: a limit is exceeded, or a text that no list may have: a NUL, a command that is neither
/// absolute nor a bare name, a directory that is not absolute, a control character in a name.
[[nodiscard]] Result<Bytes> encode(const WardenList& list);
/// invalid: anything but exactly the output of encode().
[[nodiscard]] Result<WardenList> decode_warden_list(ByteView bytes);

}  // namespace model
