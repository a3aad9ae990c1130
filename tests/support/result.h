// Safe access to a Result in tests.
#pragma once

#include <optional>

#include "model/result.h"
#include "tests/support/eventually.h"

namespace test_support {

/// The error code; empty for a success.
template <typename T>
[[nodiscard]] std::optional<model::Errc> code_of(const model::Result<T>& result) {
    if (result) return std::nullopt;
    return result.error().code;
}

/// Calls again where no answer came in time, as on a busy machine.
template <typename Call>
[[nodiscard]] model::Result<void> answered(const Call& call) {
    model::Result<void> result;
    (void)eventually([&] {
        result = call();
        return result || (result.error().code != model::Errc::unavailable &&
                          result.error().code != model::Errc::unknown_outcome);
    });
    return result;
}

}  // namespace test_support
