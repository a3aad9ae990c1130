// The JSON of an object's meta message. Source: NATS ADR-20, "Object Store".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/bytes.h"
#include "model/object.h"
#include "model/result.h"

namespace adapters::nats {

/// The last token of an object's meta subject: base64url of its name, padded.
[[nodiscard]] std::string meta_token(std::string_view name);

/// invalid: the name or a text is not UTF-8, which JSON requires; or the name is empty.
[[nodiscard]] model::Result<std::string> to_json(const model::ObjectMeta& meta,
                                                 std::string_view bucket);

/// Empty where it is not a meta: not JSON, no name, or a field of the wrong type.
[[nodiscard]] std::optional<model::ObjectMeta> parse_meta(model::ByteView text);

}  // namespace adapters::nats
