#include "model/ltx/header.h"

#include <bit>

#include "model/big_endian.h"
#include "model/ltx/checksum.h"

namespace model::ltx {
namespace {

constexpr std::uint32_t magic = 0x4c545831;  // "LTX1"

Error broken(const std::string& rule) { return error(Errc::invalid, "ltx header: " + rule); }

}  // namespace

Result<void> validate(const Header& header) {
    if ((header.flags & ~no_checksum) != 0) {
        return broken("unknown flags " + std::to_string(header.flags));
    }
    if (header.page_size < 512 || header.page_size > 65536 ||
        !std::has_single_bit(header.page_size)) {
        return broken("page size " + std::to_string(header.page_size));
    }
    // With NoChecksum the format cannot express an empty database; SQLite never commits one.
    if (header.commit == 0) return broken("a database of no pages");
    if (header.min.value == 0 || header.min > header.max) {
        return broken("TXID range " + to_hex16(header.min.value) + "-" +
                      to_hex16(header.max.value));
    }
    if (header.wal_offset < 0 || header.wal_size < 0) return broken("negative WAL offset or size");
    if (header.wal_offset == 0 &&
        (header.wal_salt1 != 0 || header.wal_salt2 != 0 || header.wal_size != 0)) {
        return broken("WAL size or salts without a WAL offset");
    }
    const std::uint64_t before = header.pre_apply_checksum;
    if ((!header.checksums() || header.snapshot()) && before != 0) {
        return broken("a pre-apply checksum where none is allowed");
    }
    if (header.checksums() && !header.snapshot() && (before & checksum_flag) == 0) {
        return broken("no pre-apply checksum");
    }
    return {};
}

Bytes encode_header(const Header& header) {
    Bytes out;
    out.reserve(header_size);
    append_be(out, magic);
    append_be(out, header.flags);
    append_be(out, header.page_size);
    append_be(out, header.commit);
    append_be(out, header.min.value);
    append_be(out, header.max.value);
    append_be(out, header.timestamp.ms);
    append_be(out, header.pre_apply_checksum);
    append_be(out, header.wal_offset);
    append_be(out, header.wal_size);
    append_be(out, header.wal_salt1);
    append_be(out, header.wal_salt2);
    append_be(out, header.node_id);
    out.resize(header_size);
    return out;
}

Result<Header> decode_header(ByteView bytes) {
    if (bytes.size() < header_size) {
        return error(Errc::corrupt,
                     "ltx header: " + std::to_string(bytes.size()) + " of 100 bytes");
    }
    if (load_be<std::uint32_t>(bytes) != magic) {
        return error(Errc::corrupt, "ltx header: it does not begin with LTX1");
    }
    const Header header{.flags = load_be<std::uint32_t>(bytes.subspan(4)),
                        .page_size = load_be<std::uint32_t>(bytes.subspan(8)),
                        .commit = load_be<std::uint32_t>(bytes.subspan(12)),
                        .min = {load_be<std::uint64_t>(bytes.subspan(16))},
                        .max = {load_be<std::uint64_t>(bytes.subspan(24))},
                        .timestamp = {load_be<std::int64_t>(bytes.subspan(32))},
                        .pre_apply_checksum = load_be<std::uint64_t>(bytes.subspan(40)),
                        .wal_offset = load_be<std::int64_t>(bytes.subspan(48)),
                        .wal_size = load_be<std::int64_t>(bytes.subspan(56)),
                        .wal_salt1 = load_be<std::uint32_t>(bytes.subspan(64)),
                        .wal_salt2 = load_be<std::uint32_t>(bytes.subspan(68)),
                        .node_id = load_be<std::uint64_t>(bytes.subspan(72))};
    auto valid = validate(header);
    if (!valid) return error(Errc::corrupt, std::move(valid).error().message);
    return header;
}

}  // namespace model::ltx
