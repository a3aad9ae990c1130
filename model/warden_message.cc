#include "model/warden_message.h"

#include <utility>

#include "model/packet.h"

namespace model {
namespace {

constexpr std::uint32_t request_magic = 0x32515257;  // "WRQ2"
constexpr std::uint32_t answer_magic = 0x32415257;   // "WRA2"

std::int64_t to_number(Instant at) { return at.time_since_epoch().count(); }
Instant to_instant(std::int64_t ns) { return Instant{Duration{ns}}; }

}  // namespace

Result<Bytes> encode(const WardenRequest& request) {
    PacketWriter to;
    to.number(request_magic);
    to.number(static_cast<std::uint32_t>(request.kind));
    to.number(request.id);
    to.number(to_number(request.valid_until));
    to.text(request.text);
    to.number(request.entry.number);
    auto packet = to.take();
    // The warden kills a node process that sends a request that it cannot decode: better to fail
    // here.
    auto taken = decode_warden_request(packet);
    if (!taken) return std::move(taken).error();
    return packet;
}

Result<WardenRequest> decode_warden_request(ByteView packet) {
    using Kind = WardenRequest::Kind;
    PacketReader from{packet};
    if (from.number<std::uint32_t>() != request_magic) return error(Errc::invalid, "not a request");
    WardenRequest request;
    const auto kind = from.number<std::uint32_t>();
    if (kind < static_cast<std::uint32_t>(Kind::set_deadline) ||
        kind > static_cast<std::uint32_t>(Kind::unregister_target))
        return error(Errc::invalid, "unknown kind of request");
    request.kind = static_cast<Kind>(kind);
    request.id = from.number<std::uint64_t>();
    request.valid_until = to_instant(from.number<std::int64_t>());
    request.text = from.text();
    request.entry.number = from.number<std::uint32_t>();
    if (request.id == 0) from.refuse("a request has a number");
    if (request.text.size() > incarnation_limit)
        from.refuse("an incarnation has at most 128 characters");
    if (auto wrong = from.finish()) return *std::move(wrong);
    return request;
}

Bytes encode(const WardenAnswer& answer) {
    PacketWriter to;
    to.number(answer_magic);
    to.number(answer.id);
    to.flag(answer.failure.has_value());
    if (answer.failure) {
        to.number(static_cast<std::uint8_t>(answer.failure->code));
        to.text(answer.failure->message);
    }
    const auto& status = answer.status;
    to.number(to_number(status.valid_until));
    to.flag(status.backend_running);
    to.flag(status.backend_unknown);
    to.flag(status.backend_contained);
    to.number(status.backend_pid);
    to.number(status.backend_start_ticks);
    to.text(status.backend_cgroup);
    to.number(status.backend_starts);
    to.flag(status.backend_exit.has_value());
    to.number(status.backend_exit.value_or(0));
    to.text(status.incarnation);
    return to.take();
}

Result<WardenAnswer> decode_warden_answer(ByteView packet) {
    PacketReader from{packet};
    if (from.number<std::uint32_t>() != answer_magic) return error(Errc::invalid, "not an answer");
    WardenAnswer answer;
    answer.id = from.number<std::uint64_t>();
    if (from.flag()) {
        const auto code = from.number<std::uint8_t>();
        if (code > static_cast<std::uint8_t>(Errc::invalid)) from.refuse("an unknown code");
        answer.failure = error(static_cast<Errc>(code), from.text());
    }
    auto& status = answer.status;
    status.valid_until = to_instant(from.number<std::int64_t>());
    status.backend_running = from.flag();
    status.backend_unknown = from.flag();
    status.backend_contained = from.flag();
    status.backend_pid = from.number<std::int32_t>();
    status.backend_start_ticks = from.number<std::uint64_t>();
    status.backend_cgroup = from.text();
    status.backend_starts = from.number<std::uint64_t>();
    const bool died = from.flag();
    const auto exit = from.number<std::int32_t>();
    if (died) status.backend_exit = exit;
    if (!died && exit != 0) from.refuse("an exit status of what did not exit");
    status.incarnation = from.text();
    if (auto wrong = from.finish()) return *std::move(wrong);
    return answer;
}

}  // namespace model
