// Messages between the node process and the warden over a SOCK_SEQPACKET pair: one message per
// packet, in the byte order of the machine. A packet that is not exactly of the form described here
// is refused as a whole. Rules: W0 to W6 of docs/protocol.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "model/bytes.h"
#include "model/result.h"
#include "model/time.h"
#include "model/warden_list.h"

namespace model {

/// Largest size of a packet, in bytes.
inline constexpr std::size_t warden_message_limit = std::size_t{16} * 1024;
inline constexpr std::size_t incarnation_limit = 128;

struct WardenRequest {
    enum class Kind : std::uint32_t {
        set_deadline = 1,  // valid_until
        start_backend,     // entry
        stop_backend,
        kill_backend,
        disarm,
        claim,              // text: the node process's incarnation
        register_target,    // entry
        unregister_target,  // entry
    };
    Kind kind = Kind::set_deadline;
    std::uint64_t id = 0;  // copied to the answer
    Instant valid_until{};
    std::string text;
    WardenEntry entry;
    friend bool operator==(const WardenRequest&, const WardenRequest&) = default;
};

/// The warden's state as far as the node process may know it; sent on connect and after each
/// change.
struct WardenStatus {
    Instant valid_until{};         // {}: no deadline is set
    bool backend_running = false;  // true also where its death is not proven
    bool backend_unknown = false;  // whether it still runs could not be determined
    /// Its descendants end with it, even if the warden dies; where none runs: they would.
    bool backend_contained = false;
    std::int32_t backend_pid = 0;
    std::uint64_t backend_start_ticks = 0;     // field 22 of /proc/PID/stat: detects a reused pid
    std::string backend_cgroup;                // absolute; "": none
    std::uint64_t backend_starts = 0;          // grows with each start, so that no death is missed
    std::optional<std::int32_t> backend_exit;  // wait status of the last death
    std::string incarnation;                   // of the node process that last claimed the node id
    friend bool operator==(const WardenStatus&, const WardenStatus&) = default;
};

/// The answer to a request, or a notification of a change.
struct WardenAnswer {
    std::uint64_t id = 0;  // 0: a notification, with `status`
    std::optional<Error> failure;
    WardenStatus status;  // in an answer too, with the request's effect included
    friend bool operator==(const WardenAnswer&, const WardenAnswer&) = default;
};

/// invalid: larger than the limit, or what decode_warden_request() would refuse.
[[nodiscard]] Result<Bytes> encode(const WardenRequest& request);
/// invalid: anything but exactly one request.
[[nodiscard]] Result<WardenRequest> decode_warden_request(ByteView packet);

[[nodiscard]] Bytes encode(const WardenAnswer& answer);
/// invalid: anything but exactly one answer.
[[nodiscard]] Result<WardenAnswer> decode_warden_answer(ByteView packet);

}  // namespace model
