// Reading the log: metas, one per line, folded in order, and the record that the node writes of the
// result.
#include "adapters/nats/object_meta.h"
#include "reconcilers/replica/records.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using namespace reconcilers::replica;

/// What the record keeps of a log state: of the snapshot's meta only its object and size.
LogState kept(LogState log) {
    if (log.snapshot) {
        log.snapshot->meta = {.name = {},
                              .nuid = log.snapshot->meta.nuid,
                              .size = log.snapshot->meta.size,
                              .chunks = log.snapshot->meta.chunks,
                              .digest = {},
                              .headers = {},
                              .metadata = {}};
        log.snapshot->stored_at = {};
    }
    return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    LogState log;
    log.stream_created = "2026-01-02T03:04:05Z";
    std::string_view rest = fuzz::text_of(data, size);
    for (std::uint64_t sequence = 1; !rest.empty(); ++sequence) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        model::StoredMeta stored{.sequence = {sequence}};
        if (auto meta = adapters::nats::parse_meta(model::as_bytes(line))) {
            stored.meta = *std::move(meta);
        }
        const auto before = log;
        const auto folded = fold(log, stored);
        require(log.marker >= before.marker, "the newest marker never goes back");
        if (folded.kind == Folded::Kind::broken) {
            require(log == before, "a broken entry leaves the state as it was");
            require(!folded.why.empty(), "a broken entry says why");
        } else {
            require(log.sequence == stored.sequence && log.at == identity(stored.meta),
                    "the state says how far it was read");
        }
    }

    const ReplicaProgress progress{.count = 1, .boot_id = "boot", .log = log};
    const auto again = decode_progress(encode(progress));
    require(again.has_value(), "the record of a log can be read");
    require(kept(again->log) == kept(log), "the record of a log says what was read");
    return 0;
}
