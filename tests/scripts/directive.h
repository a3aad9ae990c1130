// The directives of a script. The usage of each describes its syntax, and is used to parse it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "tests/scripts/stage.h"

namespace scripts {

/// The arguments of a directive by kind, each in order.
struct Arguments {
    std::vector<sim::Machine*> nodes;        // NODE
    std::vector<model::Duration> durations;  // DURATION
    std::vector<std::uint64_t> numbers;      // NUMBER
    // NAME, a choice a|b|c, and each of NAME... (which may be none)
    std::vector<std::string> words;
    std::string text;  // TEXT...: the rest of the line, unchanged
};

struct Rule {
    std::string_view usage;  // "kill NODE node|warden|backend"
    std::string_view does;
    model::Result<void> (*run)(Stage& stage, const Arguments& arguments);
};

/// Directives that act or let time pass; that wait; that print.
[[nodiscard]] std::span<const Rule> acts();
[[nodiscard]] std::span<const Rule> waits();
[[nodiscard]] std::span<const Rule> shows();
/// All usages, a line each, with what they do.
[[nodiscard]] std::string usage();

/// invalid: no directive has this form. Otherwise the directive's own result: see Stage.
[[nodiscard]] model::Result<void> run(Stage& stage, std::string_view directive);

}  // namespace scripts
