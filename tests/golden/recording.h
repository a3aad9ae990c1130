// What our own code writes to the log while a database is changed: real SQLite, our capture, our
// encoder; only times are made up.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace golden {

struct Recording {
    std::map<std::string, std::string> files;  // by their names in the bucket: ltx/<level>/...
    std::string database;                      // what they have to be restored to
};

/// Makes a database in `folder` with `first`, snapshots it as TXID 1, and captures one level 0 file
/// after each further step. Fails the test where something does not work.
[[nodiscard]] Recording record(const std::string& folder,
                               std::uint32_t page_size,
                               const std::string& first,
                               const std::vector<std::string>& steps);

}  // namespace golden
