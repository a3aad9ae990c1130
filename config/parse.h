// The step between a parsed file and a Config: which keys of the table are set, by which source,
// and whether each value is valid by itself.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/keys.h"

namespace config {

/// A key that is set: its row in the table and the value in effect.
struct Assignment {
    const Key* key = nullptr;
    std::string path;  // as in the table, with names and list indices filled in
    const Value* value = nullptr;
    std::string where;
};

struct Assignments : Problems {
    std::vector<Assignment> keys;  // each path once, with the value in effect; views of the input
    std::set<std::string> named;   // names and list elements used: "services.http", "vips[0]"
};

/// Every value is either in `keys` or reported as a problem; one of `keys` that is invalid by
/// itself is in `errors` too.
[[nodiscard]] Assignments match_keys(const Input& input);
}  // namespace config
