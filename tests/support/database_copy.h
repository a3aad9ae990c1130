// What a database file holds, looked at in a copy, so that nobody who uses it is disturbed.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "model/bytes.h"

namespace test_support {

/// The pages of the database as SQLite sees it, its WAL included; what is copied must not be
/// written meanwhile. Throws where there is none that SQLite takes.
[[nodiscard]] model::Bytes pages_of(const std::string& database);

/// The ids of the example service's notes in it.
[[nodiscard]] std::set<std::int64_t> notes_in(const std::string& database);

/// "ok", or what PRAGMA integrity_check finds.
[[nodiscard]] std::string integrity_of(const std::string& database);

/// Makes a database of the example service with `rows` notes from 1 on, each of `body` bytes.
void make_notes(const std::string& database, int rows, int body);

}  // namespace test_support
