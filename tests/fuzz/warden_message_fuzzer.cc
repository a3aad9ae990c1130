// Packets between node process and warden, and the daemon's list: what is accepted re-encodes to
// the same bytes.
#include "model/warden_message.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using model::Bytes;
using model::ByteView;
using model::Errc;

template <typename Decode>
void check_strict(ByteView packet, Decode decode) {
    require(!decode(packet.first(packet.size() - 1)), "a packet that is cut off is refused");
    Bytes longer{packet.begin(), packet.end()};
    longer.push_back(std::byte{0});
    require(!decode(longer), "a packet with more in it is refused");
}

void check_packet(ByteView packet) {
    const auto request = model::decode_warden_request(packet);
    if (!request) {
        fuzz::require_refusal(request.error(), Errc::invalid);
    } else {
        check_strict(packet, model::decode_warden_request);
        const auto again = model::encode(*request);
        require(again && std::equal(again->begin(), again->end(), packet.begin(), packet.end()),
                "a request is sent as it was taken");
    }
    const auto answer = model::decode_warden_answer(packet);
    if (!answer) {
        fuzz::require_refusal(answer.error(), Errc::invalid);
    } else {
        check_strict(packet, model::decode_warden_answer);
        const auto again = model::encode(*answer);
        require(std::equal(again.begin(), again.end(), packet.begin(), packet.end()),
                "an answer is sent as it was taken");
    }
}

void check_list(ByteView bytes) {
    const auto list = model::decode_warden_list(bytes);
    if (!list) {
        fuzz::require_refusal(list.error(), Errc::invalid);
        return;
    }
    check_strict(bytes, model::decode_warden_list);
    const auto again = model::encode(*list);
    require(again && std::equal(again->begin(), again->end(), bytes.begin(), bytes.end()),
            "a list is written as it was read");
}

model::Spawn make_spawn(fuzz::Source& from) {
    model::Spawn spawn{.command = from.texts(),
                       .path = from.texts(),
                       .dir = from.text(),
                       .env = from.texts(),
                       .change_user = from.flag(),
                       .uid = from.number<std::uint32_t>(),
                       .gid = from.number<std::uint32_t>()};
    spawn.groups.resize(from.below(5000));
    for (auto count = from.below(4); count > 0; --count) {
        auto name = from.text();
        spawn.limits.emplace_back(std::move(name), from.number<std::uint64_t>());
    }
    if (from.flag()) spawn.env.resize(from.below(5000));
    spawn.refused = from.text();
    return spawn;
}

/// The same for a list.
void check_made_list(ByteView input) {
    fuzz::Source from{input};
    model::WardenList list;
    for (auto count = from.below(40); count > 0; --count) {
        if (from.flag()) {
            list.items.emplace_back(make_spawn(from));
        } else {
            // Kind 0 is reserved for backends.
            list.items.emplace_back(model::WardenTarget{
                .kind = static_cast<model::WardenTarget::Kind>(1 + from.below(255)),
                .name = from.text(),
                .interface = from.text()});
        }
    }
    const auto bytes = model::encode(list);
    if (!bytes) {
        fuzz::require_refusal(bytes.error(), Errc::invalid);
        return;
    }
    const auto taken = model::decode_warden_list(*bytes);
    require(taken && *taken == list, "a list arrives as it is");
}

/// Whatever encode() accepts decodes to the same request.
void check_request(ByteView input) {
    using Kind = model::WardenRequest::Kind;
    fuzz::Source from{input};
    model::WardenRequest request{
        .kind = static_cast<Kind>(1 + from.below(8)),
        .id = from.number<std::uint64_t>(),
        .valid_until = model::Instant{model::Duration{from.number<std::int64_t>()}}};
    if (request.kind == Kind::claim) request.text = from.text();
    request.entry.number = from.number<std::uint32_t>();
    const auto packet = model::encode(request);
    if (!packet) {
        fuzz::require_refusal(packet.error(), Errc::invalid);
        return;
    }
    require(packet->size() <= model::warden_message_limit, "no packet is larger than the limit");
    const auto taken = model::decode_warden_request(*packet);
    require(taken.has_value(), "what is sent is taken");
    require(*taken == request, "a request arrives as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::bytes_of(data, size);
    check_packet(input);
    check_request(input);
    check_list(input);
    check_made_list(input);
    return 0;
}
