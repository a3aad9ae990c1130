// A health probe over plain HTTP/1.1.
#pragma once

#include <memory>

#include "reconcilers/ports/health_probe.h"

namespace adapters::http {

/// reconcilers::ports::HealthProbe. For one owner; no thread except a short-lived one to look up a
/// host name. poll() handles what the socket is ready for. Redirects are not followed; https:// is
/// refused, since the endpoint is on this machine. The body is not read.
class HttpProbe final : public reconcilers::ports::HealthProbe {
public:
    HttpProbe();
    ~HttpProbe() override;
    HttpProbe(const HttpProbe&) = delete;
    HttpProbe& operator=(const HttpProbe&) = delete;

    [[nodiscard]] model::Result<void> start(std::string_view url, model::Duration timeout) override;
    [[nodiscard]] reconcilers::ports::Health poll() override;

private:
    class Attempt;
    std::unique_ptr<Attempt> attempt_;
};

}  // namespace adapters::http
