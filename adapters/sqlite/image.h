// Reads a consistent image of a database while commits go on, under a pin of its own.
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

/// Construct it with the write lock held, so that the image is at `index`, and with `reader` in a
/// read transaction that began under that lock. Ends that transaction when destroyed.
///
/// Why it is consistent: where the whole WAL was already copied when the pin was taken, later
/// frames cannot be copied while the pin is held, and the file itself is the image. Otherwise the
/// WAL cannot restart, and only frames of the image can be copied: a page's content is its newest
/// such frame, or else what the file has.
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
    /// first call also reads the frame headers of the WAL.
    /// corrupt: the file is shorter than the database. unavailable: the disk failed.
    [[nodiscard]] model::Result<std::vector<model::Page>> read(std::uint32_t first,
                                                               std::uint32_t count);

private:
    std::unique_ptr<Connection> reader_;
    WalFile wal_;
    model::wal::Index index_;
    std::uint32_t page_size_;
    std::uint32_t pages_;
    // page number to its newest frame in the WAL
    std::optional<std::map<std::uint32_t, std::uint32_t>> frames_;
};

}  // namespace adapters::sqlite
