// An entry of the service registry, the value of `<service>/<node>` in the bucket
// `convex-<cid>-services`, and how entries are chosen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "model/time.h"

namespace model {

enum class ServiceHealth : std::uint8_t {
    passing,   // it serves
    warning,   // it serves, and an operator should check it
    critical,  // it does not serve
    standby,   // bound to the primary, and this node is not: by design it does not serve here
};
[[nodiscard]] std::string_view to_text(ServiceHealth health);  // "passing" and so on
[[nodiscard]] std::optional<ServiceHealth> parse_service_health(std::string_view text);

/// One service on one node.
struct ServiceEntry {
    std::string name;
    std::string node_id;
    std::string address;  // host name or address, without brackets
    std::uint16_t port = 0;
    std::string protocol;
    std::string path;
    std::map<std::string, std::string> metadata;
    std::vector<std::string> tags;
    ServiceHealth health = ServiceHealth::critical;
    WallTime registered_at;
    WallTime updated_at;
    // Ours, on top of the published fields.
    std::string health_reason;  // for people; "" passing
    std::string role;           // of the node: PRIMARY, PASSIVE; as a reader shows it also UNKNOWN
    bool internal = false;      // listed, and in no export
    int schema = 1;
    std::string unknown_fields;  // JSON object of fields we do not know, or ""
    friend bool operator==(const ServiceEntry&, const ServiceEntry&) = default;
};

/// In bytes. Larger records are not ours, and are skipped unread.
inline constexpr std::size_t largest_service_record = std::size_t{64} * 1024;

/// "": `name` can name a service; else why it cannot, to follow the name in a sentence.
[[nodiscard]] std::string why_no_service_name(std::string_view name);

/// "<service>/<node>".
[[nodiscard]] std::string service_key(std::string_view service, std::string_view node);
/// Service and node. invalid: not such a key.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_service_key(std::string_view key);

/// Whether the two differ in nothing but their times.
[[nodiscard]] bool same_service(const ServiceEntry& a, const ServiceEntry& b);

/// The entry of a node that is silent or no member any more: critical, with that reason.
[[nodiscard]] ServiceEntry silenced(ServiceEntry entry, std::string reason);

/// What a reader wants; an empty field is no condition.
struct ServiceFilter {
    std::string name;
    std::string node;
    std::vector<std::string> tags;  // all of them
    std::map<std::string, std::string> metadata;
    std::optional<ServiceHealth> health;
    [[nodiscard]] bool matches(const ServiceEntry& entry) const;
};
[[nodiscard]] std::vector<ServiceEntry> filtered(std::vector<ServiceEntry> entries,
                                                 const ServiceFilter& filter);

/// A record that was skipped, and why.
struct UnreadableService {
    std::string key;
    Revision revision;
    std::string reason;
    friend bool operator==(const UnreadableService&, const UnreadableService&) = default;
};

/// The registry as a reader finds it: entries sorted by service and node.
struct FoundServices {
    std::vector<ServiceEntry> entries;
    std::vector<UnreadableService> unreadable;
    friend bool operator==(const FoundServices&, const FoundServices&) = default;
};

/// How a service is checked. Without one it is passing while its node lives.
struct ServiceCheck {
    enum class Kind : std::uint8_t { tcp, http, https };
    Kind kind = Kind::tcp;
    std::string host;
    std::uint16_t port = 0;
    std::string path;           // http, https; begins with a slash
    int expected_status = 200;  // http, https
    std::string expected_body;  // http, https: has to be somewhere in the first 64 KiB; "" anything
    Duration interval{};
    Duration timeout{};
    friend bool operator==(const ServiceCheck&, const ServiceCheck&) = default;
};

}  // namespace model
