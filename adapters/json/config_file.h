// Reads cluster.json: from its text to a checked configuration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/value.h"
#include "model/result.h"

namespace adapters::json {

/// Parses JSON with // and /* */ comments into a tree with line numbers.
///
/// name  of the file, for messages
///
/// invalid  not JSON (the message has line and column), a key twice in one object, or nested more
///          than 64 deep
[[nodiscard]] model::Result<config::Value> parse_config(std::string_view text,
                                                        std::string_view name);

/// Parses, completes and checks the text of the file `name`, without access to the disk. Invalid
/// values are reported in the outcome.
///
/// overrides  those of the environment, then those of flags
///
/// invalid: as parse_config
[[nodiscard]] model::Result<config::Outcome> build_config(
    std::string_view text, const std::string& name, const std::vector<config::Override>& overrides);

}  // namespace adapters::json
