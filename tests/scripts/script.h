// The format of a transcript: blocks of directives, a line `----`, and their output up to an empty
// line. Lines that begin with `#`, between blocks and directives, are comments.
//
//     partition n1 nats; advance 15s
//     ----
//     n1  role.demoted   epoch=3 reason=lease_expired
//     n2  role.promoted  epoch=4
//
// Events are printed by node, each node's in order. Directives are separated by line ends or `;`.
// `repeat 3` runs the indented lines below it three times.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"

namespace scripts {

/// Lines are counted from 1.
struct Directive {
    std::size_t line = 0;
    std::string text;
};

struct Block {
    std::vector<Directive> directives;  // in the order of execution, with repeats expanded
    std::size_t output_line = 0;        // number of the first line of `output`
    std::vector<std::string> output;    // as the transcript has it
};

struct Script {
    std::vector<std::string> lines;
    std::vector<Block> blocks;
};

/// invalid: a syntax error; the message begins with the line, "12: ...".
[[nodiscard]] model::Result<Script> parse(std::string_view text);

/// The text of the script with the outputs replaced, one for each block; the rest is unchanged.
[[nodiscard]] std::string renew(const Script& script,
                                const std::vector<std::vector<std::string>>& outputs);

/// How a block's output differs from the transcript.
struct Difference {
    std::size_t line = 0;  // of the transcript: the first line that differs
    std::string text;      // all lines: "  " in both, "- " in the transcript, "+ " in this run
};

/// The difference of a block whose output is not as expected.
[[nodiscard]] Difference differ(const Block& block, const std::vector<std::string>& output);

}  // namespace scripts
