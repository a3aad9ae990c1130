// Writes LTX files that Litestream 0.5.0 and later can restore: one LZ4 frame per page, page flags
// 0, flag NoChecksum. Source: LTX format, version 3.
#pragma once

#include <cstdint>
#include <span>

#include "model/bytes.h"
#include "model/ltx/checksum.h"
#include "model/ltx/header.h"
#include "model/result.h"
#include "model/wal_position.h"

namespace model::ltx {

/// Writes one file, a page at a time; holds about ten bytes per page, not the pages. Each call
/// appends to `out`, which the caller may empty between calls.
class Encoder {
public:
    /// invalid: a field of `header` breaks a rule, or database checksums are requested.
    [[nodiscard]] static Result<Encoder> begin(const Header& header, Bytes& out);

    /// Adds a page; pages come in ascending order, in a snapshot without a gap except the lock
    /// page. invalid: wrong order or length; the file cannot be used then.
    [[nodiscard]] Result<void> add(std::uint32_t number, ByteView page, Bytes& out);

    /// Writes index and trailer. invalid: pages of a snapshot are missing.
    [[nodiscard]] Result<void> finish(Bytes& out);

private:
    explicit Encoder(const Header& header) : header_{header} {}
    [[nodiscard]] Error wrong(std::uint32_t number, const char* what) const;
    void put(ByteView hashed, Bytes& out);

    Header header_;
    Crc64 file_checksum_;
    Bytes index_;
    std::uint64_t offset_ = 0;
    std::uint32_t last_ = 0;
};

/// Encodes a whole file. Order of the pages and errors as in Encoder.
[[nodiscard]] Result<Bytes> encode(const Header& header, std::span<const Page> pages);

}  // namespace model::ltx
