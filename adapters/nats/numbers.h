// Numbers instead of pointers, for callbacks that may run after their owner is destroyed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "adapters/sync/mutex.h"

namespace adapters::nats {

/// nats.c passes a number to callbacks, which is looked up here: empty where the owner is gone.
template <typename T>
class Numbers {
public:
    static void* add(const std::shared_ptr<T>& owner) {
        auto& all = registry();
        const sync::Lock lock{all.mutex};
        const auto number = ++all.last;
        all.owners[number] = owner;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): the value is a number, never dereferenced
        return reinterpret_cast<void*>(number);
    }
    static std::shared_ptr<T> find(void* number) {
        auto& all = registry();
        const sync::Lock lock{all.mutex};
        const auto found = all.owners.find(reinterpret_cast<std::uintptr_t>(number));
        return found == all.owners.end() ? nullptr : found->second.lock();
    }
    static void remove(void* number) {
        auto& all = registry();
        const sync::Lock lock{all.mutex};
        all.owners.erase(reinterpret_cast<std::uintptr_t>(number));
    }

private:
    struct Registry {
        sync::Mutex mutex;
        std::map<std::uintptr_t, std::weak_ptr<T>> owners GUARDED_BY(mutex);
        std::uintptr_t last GUARDED_BY(mutex) = 0;
    };
    // Never destroyed: threads of nats.c may outlive static objects.
    static Registry& registry() {
        static auto* all = new Registry;
        return *all;
    }
};

}  // namespace adapters::nats
