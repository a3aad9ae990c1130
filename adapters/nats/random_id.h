// Unique names for objects and inboxes.
#pragma once

#include <string>

namespace adapters::nats {

/// 22 characters of 0-9A-Za-z from the kernel's random source: 130 bits.
[[nodiscard]] std::string random_id();

}  // namespace adapters::nats
