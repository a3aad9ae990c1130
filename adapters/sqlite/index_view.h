// Read access to the wal-index from any thread, while a connection keeps it mapped.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "adapters/sync/mutex.h"
#include "model/bytes.h"
#include "model/wal/index.h"

namespace adapters::sqlite {

class IndexView {
public:
    using Copy = std::array<std::byte, model::wal::index_size>;

    /// `memory` must stay mapped until it is replaced here; null: there is none.
    void show(const volatile std::uint32_t* memory) {
        const sync::Lock lock{mutex_};
        memory_ = memory;
    }

    /// Copied in the order that its writers expect: first header copy, second copy, then the rest.
    [[nodiscard]] std::optional<Copy> copy() const {
        const sync::Lock lock{mutex_};
        if (memory_ == nullptr) return std::nullopt;
        Copy bytes;
        for (std::size_t i = 0; i < bytes.size() / 4; ++i) {
            // Other processes write it meanwhile. The loads happen in order; whether they are
            // consistent shows in the two copies of the header and its checksum.
            const std::uint32_t word = __atomic_load_n(memory_ + i, __ATOMIC_ACQUIRE);
            std::memcpy(bytes.data() + 4 * i, &word, sizeof word);
        }
        return bytes;
    }

private:
    mutable sync::Mutex mutex_;
    const volatile std::uint32_t* memory_ GUARDED_BY(mutex_) PT_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace adapters::sqlite
