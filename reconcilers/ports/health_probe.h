// One look at a backend's health, without waiting for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"
#include "model/time.h"

namespace reconcilers::ports {

struct Health {
    enum class State : std::uint8_t {
        none,  // no look was started
        pending,
        healthy,
        failed,
    };
    State state = State::none;
    std::string reason;  // failed: "503 Service Unavailable", "connect: Connection refused", ...
    model::Duration took{};  // healthy and failed: how long it took
    friend bool operator==(const Health&, const Health&) = default;
};

/// One look at a time. Nothing here blocks.
class HealthProbe {
public:
    virtual ~HealthProbe() = default;

    /// Starts a look at http://HOST[:PORT][/PATH] that fails by itself after `timeout`. One that is
    /// under way is given up. invalid: not such a URL.
    [[nodiscard]] virtual model::Result<void> start(std::string_view url,
                                                    model::Duration timeout) = 0;

    /// How the last look stands. Healthy: it was answered with a status from 200 to 299.
    [[nodiscard]] virtual Health poll() = 0;
};

}  // namespace reconcilers::ports
