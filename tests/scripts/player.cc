#include "tests/scripts/player.h"

#include <utility>

#include "tests/scripts/directive.h"

namespace scripts {
namespace {

/// The output of the block until it failed, for a message.
std::string until_then(Stage& stage) {
    std::string text;
    for (const auto& line : stage.output())
        text += "    " + line + "\n";
    return text.empty() ? text : "\nThe block until then:\n" + text;
}

}  // namespace

Played play(const Script& script) {
    Played played;
    played.outputs.resize(script.blocks.size());
    Stage stage;
    for (std::size_t i = 0; i < script.blocks.size(); ++i) {
        stage.begin_block();
        for (const auto& directive : script.blocks[i].directives) {
            const auto done = run(stage, directive.text);
            const auto kept = stage.note_events();
            if (done && kept) continue;
            const auto& wrong = kept ? done.error() : kept.error();
            played.failure = directive.text + ": " + wrong.message + until_then(stage);
            played.line = directive.line;
            return played;
        }
        played.outputs[i] = stage.output();
    }
    return played;
}

}  // namespace scripts
