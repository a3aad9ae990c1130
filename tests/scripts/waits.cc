// Directives that wait.
#include "tests/scripts/directive.h"

namespace scripts {
namespace {

using model::Result;
using Args = Arguments;

/// Waits for an event that has not happened yet.
Result<void> wait_event(Stage& stage, const std::string& name, model::Duration within) {
    const auto& events = stage.world().events();
    auto seen = events.size();
    return stage.wait(
        [&] {
            for (; seen < events.size(); ++seen) {
                if (events[seen].name == name) return true;
            }
            return false;
        },
        within);
}

constexpr Rule all[]{
    {"wait primary within DURATION",
     "a node leads, with its data promoted and its backend healthy",
     [](Stage& s, const Args& a) {
         return s.wait([&] { return s.world().primary() != nullptr; }, a.durations[0]);
     }},
    {"wait primary NODE within DURATION",
     "this one does",
     [](Stage& s, const Args& a) {
         return s.wait([&] { return a.nodes[0]->primary(); }, a.durations[0]);
     }},
    {"wait converged within DURATION",
     "every copy is whole and equal",
     [](Stage& s, const Args& a) {
         return s.wait([&] { return s.world().converged(); }, a.durations[0]);
     }},
    {"wait copy NODE within DURATION",
     "its copy is whole",
     [](Stage& s, const Args& a) {
         return s.wait(
             [&] {
                 const auto* board = a.nodes[0]->board();
                 return board != nullptr && board->replica.copy_complete;
             },
             a.durations[0]);
     }},
    {"wait process NODE within DURATION",
     "its node process runs",
     [](Stage& s, const Args& a) {
         return s.wait([&] { return a.nodes[0]->process() != nullptr; }, a.durations[0]);
     }},
    {"wait no process NODE within DURATION",
     "it does not",
     [](Stage& s, const Args& a) {
         return s.wait([&] { return a.nodes[0]->process() == nullptr; }, a.durations[0]);
     }},
    {"wait backend NODE alive|dead within DURATION",
     "so it is",
     [](Stage& s, const Args& a) {
         const bool alive = a.words[0] == "alive";
         return s.wait([&] { return a.nodes[0]->backend_alive() == alive; }, a.durations[0]);
     }},
    {"wait event NAME within DURATION",
     "it happens from now on, on any node",
     [](Stage& s, const Args& a) { return wait_event(s, a.words[0], a.durations[0]); }},
};

}  // namespace

std::span<const Rule> waits() { return all; }

}  // namespace scripts
