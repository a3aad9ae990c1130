#include "adapters/nats/random_id.h"

#include <sys/random.h>

#include <array>
#include <string_view>

#include "model/result.h"

namespace adapters::nats {

std::string random_id() {
    constexpr std::string_view digits =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    constexpr std::size_t length = 22;
    constexpr unsigned limit = 256 / digits.size() * digits.size();
    std::string id;
    while (id.size() < length) {
        std::array<unsigned char, 32> raw{};
        // Once the kernel is seeded, up to 256 bytes are returned at once, uninterrupted by
        // signals.
        const auto size = ::getrandom(raw.data(), raw.size(), 0);
        model::check(size == static_cast<ssize_t>(raw.size()), "getrandom gave nothing");
        for (const auto byte : raw) {
            // Bytes at or above the largest multiple of the alphabet's size would favour its first
            // digits.
            if (byte < limit && id.size() < length) id += digits[byte % digits.size()];
        }
    }
    return id;
}

}  // namespace adapters::nats
