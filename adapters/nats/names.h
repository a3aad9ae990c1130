// Checks of names that become part of a subject.
#pragma once

#include <string_view>

namespace adapters::nats {

/// A-Z a-z 0-9 _ -
[[nodiscard]] bool valid_bucket(std::string_view bucket);

/// A key of a bucket: A-Z a-z 0-9 - _ . / \ =, no dot at either end and no two in a row.
[[nodiscard]] bool valid_key(std::string_view key);

/// An object id: one token of a subject, printable, without wildcards.
[[nodiscard]] bool valid_nuid(std::string_view nuid);

}  // namespace adapters::nats
