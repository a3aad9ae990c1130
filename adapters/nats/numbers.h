// Numbers in place of pointers, for callbacks that may outlive their owner.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace adapters::nats {

/// What nats.c hands to callbacks is a number, looked up here: a callback may come after its owner
/// is gone.
template <typename T>
class Numbers {
public:
    static void* add(const std::shared_ptr<T>& owner) {
        const std::lock_guard lock{mutex()};
        const auto number = ++last();
        owners()[number] = owner;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): a number is what it shall be
        return reinterpret_cast<void*>(number);
    }
    static std::shared_ptr<T> find(void* number) {
        const std::lock_guard lock{mutex()};
        const auto found = owners().find(reinterpret_cast<std::uintptr_t>(number));
        return found == owners().end() ? nullptr : found->second.lock();
    }
    static void remove(void* number) {
        const std::lock_guard lock{mutex()};
        owners().erase(reinterpret_cast<std::uintptr_t>(number));
    }

private:
    // Never destroyed: threads of nats.c may outlive static objects.
    static std::mutex& mutex() {
        static auto* object = new std::mutex;
        return *object;
    }
    static std::map<std::uintptr_t, std::weak_ptr<T>>& owners() {
        static auto* object = new std::map<std::uintptr_t, std::weak_ptr<T>>;
        return *object;
    }
    static std::uintptr_t& last() {
        static std::uintptr_t number = 0;
        return number;
    }
};

}  // namespace adapters::nats
