// A look at the wal-index from any thread, for as long as a connection keeps it mapped.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>

#include "model/bytes.h"
#include "model/wal/index.h"

namespace adapters::sqlite {

class IndexView {
public:
    using Copy = std::array<std::byte, model::wal::index_size>;

    /// The memory must stay mapped until it is replaced; null: there is none.
    void show(const volatile std::uint32_t* memory) {
        const std::lock_guard lock{mutex_};
        memory_ = memory;
    }

    /// Copied as its writers expect: the first header, the second, then the rest.
    [[nodiscard]] std::optional<Copy> copy() const {
        const std::lock_guard lock{mutex_};
        if (memory_ == nullptr) return std::nullopt;
        constexpr std::size_t header_words = model::wal::index_header_size / 4;
        Copy bytes;
        for (std::size_t i = 0; i < bytes.size() / 4; ++i) {
            if (i % header_words == 0) std::atomic_thread_fence(std::memory_order_seq_cst);
            const std::uint32_t word = memory_[i];
            std::memcpy(bytes.data() + 4 * i, &word, sizeof word);
        }
        return bytes;
    }

private:
    mutable std::mutex mutex_;
    const volatile std::uint32_t* memory_ = nullptr;
};

}  // namespace adapters::sqlite
