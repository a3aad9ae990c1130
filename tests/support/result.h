// Looking at a Result without ending the test program when it is the other one.
#pragma once

#include <optional>

#include "model/result.h"

namespace test_support {

/// The code of a failure; empty for a success.
template <typename T>
[[nodiscard]] std::optional<model::Errc> code_of(const model::Result<T>& result) {
    if (result) return std::nullopt;
    return result.error().code;
}

}  // namespace test_support
