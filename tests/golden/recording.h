// What our code writes to the log while a database changes: real SQLite, our capture and encoder;
// only the times are invented.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace golden {

struct Recording {
    std::map<std::string, std::string> files;  // by name in the bucket: ltx/<level>/...
    std::string database;                      // the expected result of a restore
};

/// Creates a database in `directory` with `first`, snapshots it as TXID 1, and captures a level 0
/// file after each further step. Fails the test where something goes wrong.
[[nodiscard]] Recording record(const std::string& directory,
                               std::uint32_t page_size,
                               const std::string& first,
                               const std::vector<std::string>& steps);

}  // namespace golden
