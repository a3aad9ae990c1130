// A consistent image of a database, read at a pin of its own while commits go on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/wal_file.h"
#include "model/wal/index.h"

namespace adapters::sqlite {

/// Needs the write fence while it is made, so that the image stands at `index`, and `reader` inside
/// a read transaction begun in that fence; ends that transaction with its life.
///
/// Where everything was copied when the pin was taken, nobody can copy later frames into the file:
/// the file is the image. Else the WAL can't restart, and only frames of the image can be copied:
/// a page is its newest frame of those, or lies in the file as it was.
class Image {
public:
    Image(std::unique_ptr<Connection> reader,
          const std::string& wal_path,
          const model::wal::Index& index,
          std::uint32_t page_size,
          std::uint32_t pages);

    [[nodiscard]] std::uint32_t page_size() const { return page_size_; }
    [[nodiscard]] std::uint32_t pages() const { return pages_; }

    /// Pages `first` to `first + count - 1`, without the lock page and those beyond the end. The
    /// first call also reads the headers of the frames in the WAL.
    /// corrupt: the file is shorter than the database. unavailable: the disk failed.
    [[nodiscard]] model::Result<std::vector<model::Page>> read(std::uint32_t first,
                                                               std::uint32_t count);

private:
    std::unique_ptr<Connection> reader_;
    WalFile wal_;
    model::wal::Index index_;
    std::uint32_t page_size_;
    std::uint32_t pages_;
    std::optional<std::map<std::uint32_t, std::uint32_t>> frames_;  // of each page in the WAL
};

}  // namespace adapters::sqlite
