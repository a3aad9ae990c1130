// Checks of services over TCP, HTTP/1.1 and HTTPS.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "reconcilers/ports/service_checks.h"

namespace adapters::http {

/// reconcilers::ports::ServiceChecks. One owner, no thread but a short one for a host name that is
/// not a number; poll() does what the socket is ready for. Redirects are not followed. A server's
/// certificate is not checked: the question is whether the service of this node answers, under an
/// address that no certificate has to name, and nothing secret is sent.
class ServiceChecks final : public reconcilers::ports::ServiceChecks {
public:
    ServiceChecks();
    ~ServiceChecks() override;
    ServiceChecks(const ServiceChecks&) = delete;
    ServiceChecks& operator=(const ServiceChecks&) = delete;

    void start(const std::string& service, const model::ServiceCheck& check) override;
    [[nodiscard]] reconcilers::ports::CheckOutcome poll(const std::string& service) override;

private:
    class Attempt;
    struct Tls;
    std::unique_ptr<Tls> tls_;
    std::map<std::string, std::unique_ptr<Attempt>> attempts_;
};

}  // namespace adapters::http
