// Reads the -wal file. SQLite takes no locks on it, so a descriptor of our own is safe.
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

/// Errors of all: unavailable: the frames are absent or not yet written, or the disk failed.
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

    /// The transactions after `from`, a place in the generation of `index` (frames 0: its start):
    /// up to index.frames, whose checksum the chain of frames must match, or up to the last commit
    /// before the pages exceed `limit` bytes, but at least one transaction.
    [[nodiscard]] model::Result<model::WalBatch> read_batch(const model::WalPosition& from,
                                                            const model::wal::Index& index,
                                                            std::uint64_t limit);

    /// For each page in frames 1 to `index.frames`, its newest frame.
    [[nodiscard]] model::Result<std::map<std::uint32_t, std::uint32_t>> newest_frames(
        const model::wal::Index& index);

    /// Errors are ignored here: the kernel reports them to every descriptor, SQLite's included.
    void sync();

private:
    [[nodiscard]] model::Result<void> read(std::int64_t offset, std::span<std::byte> into);

    std::string path_;
    int descriptor_ = -1;
};

}  // namespace adapters::sqlite
