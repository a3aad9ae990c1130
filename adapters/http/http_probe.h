// A health probe over plain HTTP/1.1.
#pragma once

#include <memory>

#include "reconcilers/ports/health_probe.h"

namespace adapters::http {

/// reconcilers::ports::HealthProbe. One owner, no thread but a short one for a host name that is
/// not a number; poll() does what the socket is ready for. Redirects are not followed, and https://
/// is refused: the endpoint is on this machine. The body is not read.
class HttpProbe final : public reconcilers::ports::HealthProbe {
public:
    HttpProbe();
    ~HttpProbe() override;
    HttpProbe(const HttpProbe&) = delete;
    HttpProbe& operator=(const HttpProbe&) = delete;

    [[nodiscard]] model::Result<void> start(std::string_view url, model::Duration timeout) override;
    [[nodiscard]] reconcilers::ports::Health poll() override;

private:
    class Look;
    std::unique_ptr<Look> look_;
};

}  // namespace adapters::http
