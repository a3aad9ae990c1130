#include "tests/scripts/script.h"

#include <algorithm>
#include <utility>

#include "model/ids.h"

namespace scripts {
namespace {

using model::Errc;
using model::Result;

constexpr std::string_view separator = "----";
constexpr std::uint64_t most_repeats = 1000;

std::string_view trim(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_indented(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

model::Error wrong(std::size_t line, const std::string& why) {
    return model::error(Errc::invalid, std::to_string(line) + ": " + why);
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

void append_split(std::vector<Directive>& directives, std::size_t line, std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find(';');
        if (const auto one = trim(text.substr(0, end)); !one.empty()) {
            directives.push_back({.line = line, .text = std::string{one}});
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

/// Parses the lines [from, to), the directives before the separator of a block.
Result<std::vector<Directive>> directives_of(const std::vector<std::string>& lines,
                                             std::size_t from,
                                             std::size_t to) {
    std::vector<Directive> directives;
    constexpr std::string_view repeat = "repeat ";
    while (from < to) {
        const std::string_view line = lines[from];
        if (line.starts_with('#')) {
            ++from;
            continue;
        }
        if (is_indented(line)) return wrong(from + 1, "indented, and no repeat is above it");
        if (!line.starts_with(repeat)) {
            append_split(directives, ++from, line);
            continue;
        }
        const auto times = model::parse_number(trim(line.substr(repeat.size())));
        if (!times || *times == 0 || *times > most_repeats) {
            return wrong(from + 1, "repeat wants a number from 1 to 1000");
        }
        std::vector<Directive> body;
        while (++from < to && is_indented(lines[from]))
            append_split(body, from + 1, lines[from]);
        if (body.empty()) return wrong(from, "nothing is indented below this repeat");
        for (std::uint64_t i = 0; i < *times; ++i)
            directives.insert(directives.end(), body.begin(), body.end());
    }
    return directives;
}

/// Lengths of the longest common subsequence, for each pair of suffixes.
std::vector<std::vector<std::size_t>> common_lengths(const std::vector<std::string>& a,
                                                     const std::vector<std::string>& b) {
    std::vector<std::vector<std::size_t>> length(a.size() + 1,
                                                 std::vector<std::size_t>(b.size() + 1));
    for (auto i = a.size(); i-- > 0;) {
        for (auto j = b.size(); j-- > 0;) {
            length[i][j] = a[i] == b[j] ? length[i + 1][j + 1] + 1
                                        : std::max(length[i + 1][j], length[i][j + 1]);
        }
    }
    return length;
}

}  // namespace

Result<Script> parse(std::string_view text) {
    Script script{.lines = lines_of(text), .blocks = {}};
    const auto& lines = script.lines;
    for (std::size_t at = 0; at < lines.size();) {
        if (lines[at].empty() || lines[at].starts_with('#')) {
            ++at;
            continue;
        }
        const auto begin = at;
        while (at < lines.size() && !lines[at].empty() && lines[at] != separator)
            ++at;
        if (at == lines.size() || lines[at].empty()) {
            return wrong(begin + 1, "no ---- ends these directives");
        }
        auto directives = directives_of(lines, begin, at);
        if (!directives) return std::move(directives).error();
        if (directives->empty()) return wrong(at + 1, "no directive is above this ----");
        Block block{.directives = std::move(*directives), .output_line = ++at + 1, .output = {}};
        while (at < lines.size() && !lines[at].empty())
            block.output.push_back(lines[at++]);
        script.blocks.push_back(std::move(block));
    }
    return script;
}

std::string renew(const Script& script, const std::vector<std::vector<std::string>>& outputs) {
    model::check(outputs.size() == script.blocks.size(), "one output for each block");
    std::string text;
    const auto append = [&text](const std::string& line) { text += line + "\n"; };
    std::size_t at = 0;  // index of the next line of the script
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const auto& block = script.blocks[i];
        while (at + 1 < block.output_line)
            append(script.lines[at++]);
        for (const auto& line : outputs[i])
            append(line);
        at += block.output.size();
    }
    while (at < script.lines.size())
        append(script.lines[at++]);
    return text;
}

Difference differ(const Block& block, const std::vector<std::string>& output) {
    const auto& before = block.output;
    const auto length = common_lengths(before, output);
    Difference found;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < before.size() || j < output.size()) {
        const bool same = i < before.size() && j < output.size() && before[i] == output[j];
        if (same) {
            found.text += "  " + before[i] + "\n";
            ++i;
            ++j;
            continue;
        }
        if (found.line == 0) found.line = block.output_line + i;
        if (j == output.size() || (i < before.size() && length[i + 1][j] >= length[i][j + 1])) {
            found.text += "- " + before[i++] + "\n";
        } else {
            found.text += "+ " + output[j++] + "\n";
        }
    }
    return found;
}

}  // namespace scripts
