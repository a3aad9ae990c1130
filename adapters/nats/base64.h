// Base64 of RFC 4648: section 4 as JetStream's answers carry bytes, section 5 as object names do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/bytes.h"

namespace adapters::nats {

/// Alphabet of section 5, padded.
[[nodiscard]] std::string to_base64url(model::ByteView bytes);

/// Alphabet of section 4, padding required. Empty for anything else.
[[nodiscard]] std::optional<model::Bytes> from_base64(std::string_view text);

}  // namespace adapters::nats
