// Whether processes are alive, as far as known.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace warden {

/// A failed check proves nothing: only `dead` is a proof.
struct Life {
    enum class State : std::uint8_t { dead, unknown, alive };
    State state = State::unknown;
    std::string why;  // for unknown: the reason

    [[nodiscard]] bool dead() const { return state == State::dead; }
    [[nodiscard]] bool alive() const { return state == State::alive; }
    [[nodiscard]] bool unknown() const { return state == State::unknown; }
};

[[nodiscard]] inline Life dead() { return {.state = Life::State::dead, .why = {}}; }
[[nodiscard]] inline Life alive() { return {.state = Life::State::alive, .why = {}}; }
[[nodiscard]] inline Life unknown(std::string why) {
    return {.state = Life::State::unknown, .why = std::move(why)};
}

/// Combines checks of two parts: dead where both are.
[[nodiscard]] inline Life both(Life one, Life other) {
    return one.state >= other.state ? std::move(one) : std::move(other);
}

}  // namespace warden
