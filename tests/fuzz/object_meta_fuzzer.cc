// The meta of an object and its interpretation by the log; base64 as in metas.
#include "adapters/nats/base64.h"
#include "adapters/nats/object_meta.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using model::LogEntry;

/// What the log reads from a meta can be written to a meta and read again.
void check_entry(const LogEntry& entry, const std::string& name) {
    switch (entry.kind) {
        case LogEntry::Kind::marker:
            require(to_meta(entry.marker).name == name, "an object of the log has one name", name);
            require(model::to_entry(to_meta(entry.marker)).marker == entry.marker,
                    "a marker is read as it is written");
            break;
        case LogEntry::Kind::opened:
            require(to_meta(entry.opened).name == name, "an object of the log has one name", name);
            require(model::to_entry(to_meta(entry.opened)).opened == entry.opened,
                    "an opened record is read as it is written");
            break;
        case LogEntry::Kind::ltx:
            require(to_meta(entry.ltx).name == name, "an object of the log has one name", name);
            require(entry.ltx.min.value > 0 && entry.ltx.min <= entry.ltx.max,
                    "a file holds a range of TXIDs");
            require(model::to_entry(to_meta(entry.ltx)).ltx == entry.ltx,
                    "a file's facts are read as they are written");
            break;
        case LogEntry::Kind::other:
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::bytes_of(data, size);
    if (const auto meta = adapters::nats::parse_meta(input)) {
        require(!meta->name.empty(), "an object has a name");
        check_entry(model::to_entry(*meta), meta->name);
        const auto text = adapters::nats::to_json(*meta, "bucket");
        require(text.has_value(), "a meta that was read can be written");
        require(adapters::nats::parse_meta(model::as_bytes(*text)) == *meta,
                "a meta is read as it is written");
    }

    auto coded = adapters::nats::to_base64url(input);
    require(coded.size() == (size + 2) / 3 * 4, "base64 is padded");
    for (auto& c : coded)
        c = c == '-' ? '+' : c == '_' ? '/' : c;
    require(adapters::nats::from_base64(coded) == model::Bytes(input.begin(), input.end()),
            "base64 is read as it is written");
    const auto decoded = adapters::nats::from_base64(fuzz::text_of(data, size));
    require(!decoded || decoded->size() <= size / 4 * 3, "three bytes of four characters");
    return 0;
}
