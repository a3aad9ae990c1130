// A health check of the backend that does not block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/result.h"
#include "model/time.h"

namespace reconcilers::ports {

struct Health {
    enum class State : std::uint8_t {
        none,  // no check was started
        pending,
        healthy,
        failed,
    };
    State state = State::none;
    std::string reason;  // failed: "503 Service Unavailable", "connect: Connection refused", ...
    model::Duration took{};  // healthy and failed: duration of the check
    friend bool operator==(const Health&, const Health&) = default;
};

/// One check at a time. No call blocks.
class HealthProbe {
public:
    virtual ~HealthProbe() = default;

    /// Starts a check of http://HOST[:PORT][/PATH], which fails by itself after `timeout`. Cancels
    /// one that is running. invalid: not such a URL.
    [[nodiscard]] virtual model::Result<void> start(std::string_view url,
                                                    model::Duration timeout) = 0;

    /// The state of the last check. Healthy: the answer had a status from 200 to 299.
    [[nodiscard]] virtual Health poll() = 0;
};

}  // namespace reconcilers::ports
