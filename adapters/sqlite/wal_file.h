// Reading the -wal file. It carries no locks of SQLite, so that a descriptor of our own is safe.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "model/bytes.h"
#include "model/result.h"
#include "model/wal/index.h"
#include "model/wal_position.h"

namespace adapters::sqlite {

/// Errors of all: unavailable: what was asked for is not there, or not yet; the disk failed.
class WalFile {
public:
    explicit WalFile(std::string path) : path_{std::move(path)} {}
    ~WalFile();
    WalFile(const WalFile&) = delete;
    WalFile& operator=(const WalFile&) = delete;

    [[nodiscard]] model::Result<model::wal::Header> header();
    [[nodiscard]] model::Result<model::wal::Frame> frame_header(std::uint32_t number,
                                                                std::uint32_t page_size);
    /// Fills `into` with the page of a frame.
    [[nodiscard]] model::Result<void> read_page(std::uint32_t number, std::span<std::byte> into);

    /// The transactions after `from`, which is a place in the generation of `index` (frames 0: its
    /// start), up to index.frames, whose checksum the chain of frames must meet, or up to the last
    /// commit before the pages exceed `limit` bytes; at least one transaction.
    [[nodiscard]] model::Result<model::WalBatch> read_batch(const model::WalPosition& from,
                                                            const model::wal::Index& index,
                                                            std::uint64_t limit);

    /// For each page that is in frames 1 to `index.frames`, the last such frame.
    [[nodiscard]] model::Result<std::map<std::uint32_t, std::uint32_t>> newest_frames(
        const model::wal::Index& index);

    /// Whatever becomes of it: an error is told to every descriptor, SQLite's own among them.
    void sync();

private:
    [[nodiscard]] model::Result<void> read(std::int64_t offset, std::span<std::byte> into);

    std::string path_;
    int descriptor_ = -1;
};

}  // namespace adapters::sqlite
