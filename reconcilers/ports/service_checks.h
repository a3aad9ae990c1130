// Checks services, without waiting for them.
#pragma once

#include <cstdint>
#include <string>

#include "model/result.h"
#include "model/service.h"

namespace reconcilers::ports {

struct CheckOutcome {
    enum class State : std::uint8_t {
        none,  // no check was started
        pending,
        passing,
        warning,
        critical,
    };
    State state = State::none;
    std::string
        reason;  // not passing: "503 Service Unavailable", "connect: Connection refused", ...
    friend bool operator==(const CheckOutcome&, const CheckOutcome&) = default;
};

/// One check at a time of each service. Nothing here blocks.
class ServiceChecks {
public:
    virtual ~ServiceChecks() = default;

    /// Starts a check that ends by itself at check.timeout. One that is under way is given up.
    virtual void start(const std::string& service, const model::ServiceCheck& check) = 0;

    /// The state of the last check.
    [[nodiscard]] virtual CheckOutcome poll(const std::string& service) = 0;
};

}  // namespace reconcilers::ports
