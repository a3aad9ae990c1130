// What the node process and the warden say to each other over a SOCK_SEQPACKET pair: one message is
// one packet, in the byte order of the machine that both run on. A packet that is not exactly what
// is described here is refused whole. Rules: W0 to W6 of docs/protocol.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/bytes.h"
#include "model/result.h"
#include "model/time.h"

namespace model {

/// No packet is larger; a spawn request with more text is refused by the sender.
inline constexpr std::size_t warden_message_limit = std::size_t{128} * 1024;
inline constexpr std::size_t incarnation_limit = 128;
inline constexpr std::size_t target_name_limit = 1024;

/// Everything that the warden needs to start a backend, with names already looked up: a lookup may
/// block on the network, and the warden never does.
struct Spawn {
    std::vector<std::string> command;  // [0] is an absolute path
    std::string dir;                   // absolute
    std::vector<std::string> env;      // NAME=value
    bool change_user = false;          // else it stays the warden's, and the next three are unused
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    std::vector<std::pair<std::string, std::uint64_t>> limits;  // "nofile", ...: soft = hard
    friend bool operator==(const Spawn&, const Spawn&) = default;
};

/// Something else that ends with the lease, and that the warden does not run itself (W0): all
/// processes of a unit's or a container's cgroup, or an address.
struct WardenTarget {
    enum class Kind : std::uint32_t { cgroup = 1, address };
    Kind kind = Kind::cgroup;
    std::string name;           // absolute path of the cgroup; or "192.0.2.7/24", "2001:db8::7/64"
    std::uint32_t ifindex = 0;  // of an address
    friend bool operator==(const WardenTarget&, const WardenTarget&) = default;
};

struct WardenRequest {
    enum class Kind : std::uint32_t {
        hold_until = 1,  // valid_until
        start_backend,   // spawn
        stop_backend,
        kill_backend,
        disarm,
        claim,   // text: the incarnation
        watch,   // target
        forget,  // target
    };
    Kind kind = Kind::hold_until;
    std::uint64_t id = 0;  // comes back in the answer
    Instant valid_until{};
    std::string text;
    Spawn spawn;
    WardenTarget target;
    friend bool operator==(const WardenRequest&, const WardenRequest&) = default;
};

/// The warden's state as the node process may know it; sent at once and after each change.
struct WardenStatus {
    Instant valid_until{};  // 0: no deadline is held
    bool backend_running = false;
    bool backend_contained = false;  // in a cgroup of its own: its descendants can't get away
    std::int32_t backend_pid = 0;
    std::uint64_t backend_starts = 0;
    std::optional<std::int32_t> backend_exit;  // wait status of the last death
    std::string incarnation;
    friend bool operator==(const WardenStatus&, const WardenStatus&) = default;
};

/// Either the answer to a request, or news.
struct WardenAnswer {
    std::uint64_t id = 0;  // 0: news, with `status`
    std::optional<Error> failure;
    WardenStatus status;  // also with an answer: what it made of the request is already in it
    friend bool operator==(const WardenAnswer&, const WardenAnswer&) = default;
};

/// invalid: larger than the limit, or text with a NUL inside.
[[nodiscard]] Result<Bytes> encode(const WardenRequest& request);
/// invalid: anything but exactly one request.
[[nodiscard]] Result<WardenRequest> decode_warden_request(ByteView packet);

[[nodiscard]] Bytes encode(const WardenAnswer& answer);
/// invalid: anything but exactly one answer.
[[nodiscard]] Result<WardenAnswer> decode_warden_answer(ByteView packet);

}  // namespace model
