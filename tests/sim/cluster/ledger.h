// What the simulated application keeps in its database: numbered rows in the order of their
// commits, and pages that change for no reason. Two databases can be compared by their rows.
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
/// A page by its number, from 1; 512 bytes.
using PageReader = std::function<model::Result<model::Bytes>(std::uint32_t)>;

/// The rows of a database. corrupt: a page is not what the application wrote.
[[nodiscard]] model::Result<Rows> read_rows(const PageReader& read);

/// The pages that a commit of one more row changes.
[[nodiscard]] model::Result<std::vector<model::Page>> add_row(std::uint64_t row,
                                                              const PageReader& read,
                                                              reconcilers::ports::Random& random);

/// Whether all of `first` stands at the beginning of `rows`.
[[nodiscard]] bool begins_with(const Rows& rows, const Rows& first);

}  // namespace sim
