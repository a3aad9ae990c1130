// The replica's records on disk: a torn record is never accepted, and a written one is read back,
// whatever texts it has.
#include "reconcilers/replica/records.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using model::ByteView;
using model::Errc;
using namespace reconcilers::replica;

template <typename Decode>
void check_record(std::string_view text, Decode decode) {
    const auto record = decode(model::as_bytes(text));
    if (!record) {
        fuzz::require_refusal(record.error(), Errc::corrupt);
        return;
    }
    const auto again = decode(encode(*record));
    require(again.has_value(), "a record can be read again");
    require(*again == *record, "a record is read as it is written");
    require(!decode(model::as_bytes(text.substr(0, text.size() - 1))),
            "a record that is cut off is refused");
    require(!decode(model::as_bytes(std::string{text} + "x")), "bytes after the end are refused");
}

void check_records(std::string_view text) {
    check_record(text, decode_progress);
    check_record(text, decode_intent);
    check_record(text, decode_tenure);
    check_record(text, decode_checkpoint);
}

void check_staged(ByteView bytes) {
    const auto staged = decode_staged({7}, "nuid", bytes);
    if (!staged) {
        fuzz::require_refusal(staged.error(), Errc::corrupt);
        return;
    }
    require(staged->ltx.size() < bytes.size(), "a file in a file is the smaller one");
    require(fuzz::is(decode_staged({7}, "nuid", encode_staged(*staged)), *staged),
            "a staged file is read as it is written");
}

std::optional<model::WalPosition> make_position(fuzz::Source& from) {
    if (!from.flag()) return std::nullopt;
    return model::WalPosition{.salt1 = from.number<std::uint32_t>(),
                              .salt2 = from.number<std::uint32_t>(),
                              .frames = from.number<std::uint32_t>(),
                              .checksum1 = from.number<std::uint32_t>(),
                              .checksum2 = from.number<std::uint32_t>()};
}

ReplicaProgress make_progress(fuzz::Source& from) {
    ReplicaProgress progress{.count = from.number<std::uint64_t>(), .boot_id = from.text()};
    auto& log = progress.log;
    log.stream_created = from.text();
    log.at = from.text();
    log.marker = {from.number<std::uint64_t>()};
    log.marker_node = from.text();
    log.last = {from.number<std::uint64_t>()};
    log.last_nuid = from.text();
    log.last_end = make_position(from);
    if (from.flag()) {
        log.opened = model::Opened{.epoch = {from.number<std::uint64_t>()},
                                   .tenure = {from.number<std::uint64_t>()},
                                   .start = {from.number<std::uint64_t>()}};
        for (auto count = from.below(4); count > 0; --count) {
            const model::Tenure tenure{from.number<std::uint64_t>()};
            log.opened->history.emplace_back(tenure, model::Txid{from.number<std::uint64_t>()});
        }
    }
    if (from.flag()) {
        progress.copy = Copy{.position = {{from.number<std::uint64_t>()}, {1}},
                             .nuid = from.text(),
                             .clean = from.flag(),
                             .applying = from.text()};
    }
    return progress;
}

Intent make_intent(fuzz::Source& from) {
    Intent intent{.kind = static_cast<Intent::Kind>(from.below(3)),
                  .position = {{from.number<std::uint64_t>()}, {from.number<std::uint64_t>()}},
                  .nuid = from.text()};
    for (auto count = from.below(4); count > 0; --count) {
        auto target = from.text();
        intent.moves.emplace_back(from.text(), std::move(target));
    }
    return intent;
}

/// Paths and names in records can have any bytes.
void check_written(ByteView input) {
    fuzz::Source from{input};
    const auto progress = make_progress(from);
    require(fuzz::is(decode_progress(encode(progress)), progress),
            "any progress is read as it is written");
    fuzz::Source once_more{input};
    const auto intent = make_intent(once_more);
    require(fuzz::is(decode_intent(encode(intent)), intent), "any intent is read as it is written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    check_records(text);
    const std::string body{fuzz::before_seal(text, "end ")};
    check_records(body + "end " + fuzz::seal_of(body) + "\n");
    check_staged(fuzz::bytes_of(data, size));
    check_written(fuzz::bytes_of(data, size));
    return 0;
}
