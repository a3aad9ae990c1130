// Failure as a value: Result<T> is a T or an Error. Names follow std::expected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace model {

/// Aborts the program with the text when `holds` is false, in every build: for broken invariants of
/// this program, never for input.
void check(bool holds, std::string_view what);

/// A code exists only where some caller does something different about it.
enum class Errc : std::uint8_t {
    not_found,        // an answer: the key, unit or address is absent
    conflict,         // compare-and-set lost: read again, plan again
    fenced,           // a larger epoch was seen: demote now
    unavailable,      // it did not happen: back off, retry
    unknown_outcome,  // it may have happened: observe before anything else
    corrupt,          // a checksum disagrees: stop replicating, keep the evidence
    invalid,          // our input or configuration is wrong: retrying cannot help
};

[[nodiscard]] std::string_view to_text(Errc code);

struct Error {
    Errc code = Errc::invalid;
    std::string message;

    /// Adds context: "renew lease: kv update: wrong last sequence 41".
    [[nodiscard]] Error during(std::string_view what) && {
        message.insert(0, std::string{what} + ": ");
        return std::move(*this);
    }
    friend bool operator==(const Error&, const Error&) = default;
};

[[nodiscard]] inline Error error(Errc code, std::string message) {
    return {code, std::move(message)};
}

/// A T or an Error. A Result<void> is success or an Error.
template <typename T>
class [[nodiscard]] Result {
    using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    Result() requires std::is_void_v<T> : state_{std::in_place_index<0>} {}
    template <typename U = Stored>
    requires(!std::is_void_v<T> && std::is_convertible_v<U, Stored> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
        Result(U&& value)  // NOLINT(google-explicit-constructor): a value is a success
        : state_{std::in_place_index<0>, std::forward<U>(value)} {}
    Result(Error failure)  // NOLINT(google-explicit-constructor): an Error is a failure
        : state_{std::in_place_index<1>, std::move(failure)} {}

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    [[nodiscard]] Stored& value() & { return checked(); }
    [[nodiscard]] const Stored& value() const& { return const_cast<Result*>(this)->checked(); }
    [[nodiscard]] Stored&& value() && { return std::move(checked()); }
    [[nodiscard]] Stored& operator*() & { return checked(); }
    [[nodiscard]] const Stored& operator*() const& { return value(); }
    [[nodiscard]] Stored&& operator*() && { return std::move(checked()); }
    [[nodiscard]] Stored* operator->() { return &checked(); }
    [[nodiscard]] const Stored* operator->() const { return &value(); }

    [[nodiscard]] const Error& error() const& {
        check(!has_value(), "Result::error() of a success");
        return *std::get_if<1>(&state_);
    }
    [[nodiscard]] Error&& error() && {
        check(!has_value(), "Result::error() of a success");
        return std::move(*std::get_if<1>(&state_));
    }

private:
    Stored& checked() {
        check(has_value(), "Result::value() of a failure");
        return *std::get_if<0>(&state_);
    }
    std::variant<Stored, Error> state_;
};

}  // namespace model
