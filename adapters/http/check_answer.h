// What the answer to a service's check says: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/service.h"
#include "reconcilers/ports/service_checks.h"

namespace adapters::http {

/// The part of a body that is searched, in bytes.
inline constexpr std::size_t most_of_a_body = std::size_t{64} * 1024;

/// The body as far as it came, chunks put together; empty while the head is not whole.
struct Body {
    std::string text;
    bool whole = false;  // by its length or its last chunk
};
[[nodiscard]] std::optional<Body> body_so_far(std::string_view answer);

/// The verdict, as far as the answer came; empty: more of it is needed. The same in whatever pieces
/// it comes. 429 is a warning, as at Consul.
///
/// ended  the server closed: no more will come
[[nodiscard]] std::optional<reconcilers::ports::CheckOutcome> judge_check(
    const model::ServiceCheck& check, std::string_view answer, bool ended);

}  // namespace adapters::http
