// Base64 of RFC 4648: section 4 for bytes in JetStream's answers, section 5 for object names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/bytes.h"

namespace adapters::nats {

/// Section 5 (URL-safe), with padding.
[[nodiscard]] std::string to_base64url(model::ByteView bytes);

/// Section 4 (standard), padding required. Empty for anything else.
[[nodiscard]] std::optional<model::Bytes> from_base64(std::string_view text);

}  // namespace adapters::nats
