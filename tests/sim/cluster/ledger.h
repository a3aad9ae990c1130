// The data of the simulated application: rows numbered in commit order, and pages that change
// without holding rows. Two databases are compared by their rows.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "model/bytes.h"
#include "model/result.h"
#include "model/wal_position.h"
#include "reconcilers/ports/clock.h"

namespace sim {

using Rows = std::vector<std::uint64_t>;
/// Reads a page of 512 bytes by its number, from 1.
using PageReader = std::function<model::Result<model::Bytes>(std::uint32_t)>;

/// The rows of a database. corrupt: a page is not as the application wrote it.
[[nodiscard]] model::Result<Rows> read_rows(const PageReader& read);

/// The pages changed by a commit of one more row.
[[nodiscard]] model::Result<std::vector<model::Page>> add_row(std::uint64_t row,
                                                              const PageReader& read,
                                                              reconcilers::ports::Random& random);

/// Whether `rows` begins with all of `first`.
[[nodiscard]] bool begins_with(const Rows& rows, const Rows& first);

}  // namespace sim
