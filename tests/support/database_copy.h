// Reads the contents of a database from a copy, without disturbing its users.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "model/bytes.h"

namespace test_support {

/// The pages of the database as SQLite reads it, WAL included; it must not be written meanwhile.
/// Throws where SQLite cannot read it.
[[nodiscard]] model::Bytes pages_of(const std::string& database);

/// The ids of the example service's notes in the database.
[[nodiscard]] std::set<std::int64_t> notes_in(const std::string& database);

/// The result of PRAGMA integrity_check, "ok" where it is intact.
[[nodiscard]] std::string integrity_of(const std::string& database);

/// Creates a database of the example service with `rows` notes from 1 on, each of `body` bytes.
void create_notes(const std::string& database, int rows, int body);

}  // namespace test_support
