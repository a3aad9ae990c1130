#include "tests/scripts/directive.h"

#include <algorithm>
#include <optional>

#include "model/duration_text.h"
#include "model/ids.h"

namespace scripts {
namespace {

using model::Errc;
using model::Result;

std::string_view take_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

bool is_one_of(std::string_view word, std::string_view alternatives) {
    while (!alternatives.empty()) {
        const auto end = std::min(alternatives.find('|'), alternatives.size());
        if (alternatives.substr(0, end) == word) return true;
        alternatives.remove_prefix(std::min(end + 1, alternatives.size()));
    }
    return false;
}

/// Whether `word` matches the usage at this place; if so, adds it to the arguments.
bool take(Stage& stage, std::string_view expected, std::string_view word, Arguments& arguments) {
    if (word.empty()) return false;
    if (expected == "NODE") {
        auto* const node = stage.find(word);
        if (node != nullptr) arguments.nodes.push_back(node);
        return node != nullptr;
    }
    if (expected == "DURATION") {
        const auto duration = model::parse_duration(word);
        if (!duration || duration->count() < 0) return false;
        arguments.durations.push_back(*duration);
        return true;
    }
    if (expected == "NUMBER") {
        const auto number = model::parse_number(word);
        if (!number) return false;
        arguments.numbers.push_back(*number);
        return true;
    }
    const bool choice = expected.find('|') != std::string_view::npos;
    if (choice || expected == "NAME") arguments.words.emplace_back(word);
    return choice ? is_one_of(word, expected) : expected == "NAME" || expected == word;
}

std::optional<Arguments> match(Stage& stage, std::string_view usage, std::string_view directive) {
    Arguments arguments;
    for (auto expected = take_word(usage); !expected.empty(); expected = take_word(usage)) {
        if (expected == "TEXT...") {
            arguments.text = directive.substr(std::min<std::size_t>(1, directive.size()));
            return arguments;
        }
        if (expected == "NAME...") {
            for (auto word = take_word(directive); !word.empty(); word = take_word(directive))
                arguments.words.emplace_back(word);
            return arguments;
        }
        if (!take(stage, expected, take_word(directive), arguments)) return {};
    }
    if (!take_word(directive).empty()) return {};
    return arguments;
}

const std::vector<Rule>& rules() {
    static const auto all = [] {
        std::vector<Rule> rules;
        for (const auto some : {acts(), waits(), shows()})
            rules.insert(rules.end(), some.begin(), some.end());
        return rules;
    }();
    return all;
}

/// The usages that begin with this word; all where it is empty.
std::string usage_of(std::string_view first) {
    std::string text;
    for (const auto& rule : rules()) {
        auto usage = rule.usage;
        if (!first.empty() && take_word(usage) != first) continue;
        std::string line = "    " + std::string{rule.usage};
        line.resize(std::max<std::size_t>(line.size() + 2, 50), ' ');
        text += line + std::string{rule.does} + "\n";
    }
    return text;
}

}  // namespace

std::string usage() {
    return "Directives, on lines of their own or with ; between them:\n" + usage_of({}) +
           "NODE is n1, n2 and so on, or leader. DURATION is 200us, 5s, 1m30s.\n"
           "Options of a cluster: nodes=2 seed=1 ttl=10s heartbeat=3s margin=2s cooldown=5s\n"
           "snapshots=60s (from one to the next) nofailover=NODE without=RULE, which is warden,\n"
           "expectations, compare-and-set, tail, reading, knowing-the-store or "
           "waiting-for-the-dead.\n";
}

Result<void> run(Stage& stage, std::string_view directive) {
    auto rest = directive;
    const auto first = take_word(rest);
    if (!stage.built() && !is_one_of(first, "start|cluster|events")) {
        return model::error(Errc::invalid, "there is no cluster yet: begin with start");
    }
    for (const auto& rule : rules()) {
        if (const auto arguments = match(stage, rule.usage, directive)) {
            return rule.run(stage, *arguments);
        }
    }
    const auto known = usage_of(first);
    return model::error(Errc::invalid,
                        known.empty()
                            ? "there is no such directive: see script_test --directives"
                            : "it is not written so, or there is no such node:\n" + known);
}

}  // namespace scripts
