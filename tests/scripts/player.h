// Runs the directives of a transcript and collects what they print.
#pragma once

#include <string>
#include <vector>

#include "tests/scripts/script.h"

namespace scripts {

struct Played {
    /// One for each block; empty from the failed block on.
    std::vector<std::vector<std::string>> outputs;
    /// An invalid directive, a wait that timed out, or a violated invariant: always fails the test.
    std::string failure;
    std::size_t line = 0;  // line of the directive that failed
};

[[nodiscard]] Played play(const Script& script);

}  // namespace scripts
