// Writes LTX files that Litestream 0.5.0 and later restores: one LZ4 frame per page, page flags 0,
// flag NoChecksum. Source: LTX format, version 3.
#pragma once

#include <cstdint>
#include <span>

#include "model/bytes.h"
#include "model/ltx/checksum.h"
#include "model/ltx/header.h"
#include "model/result.h"
#include "model/wal_position.h"

namespace model::ltx {

/// Writes one file, a page at a time; holds about ten bytes per page, never the pages. Each call
/// appends to `out`, which the caller may empty in between.
class Encoder {
public:
    /// invalid: a field of `header` breaks a rule, or it asks for database checksums.
    [[nodiscard]] static Result<Encoder> begin(const Header& header, Bytes& out);

    /// Pages come in ascending order; in a snapshot without a hole, the lock page left out.
    /// invalid: they do not, or the page has another length; the file is then of no use.
    [[nodiscard]] Result<void> add(std::uint32_t number, ByteView page, Bytes& out);

    /// Writes index and trailer. invalid: a snapshot lacks pages.
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

/// A whole file. Order of the pages and errors as in Encoder.
[[nodiscard]] Result<Bytes> encode(const Header& header, std::span<const Page> pages);

}  // namespace model::ltx
