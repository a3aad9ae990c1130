// The pages of the API and of the metrics: pure functions of what is published and of the time.
#pragma once

#include <string>

#include "api/published.h"
#include "model/http.h"
#include "model/time.h"

namespace api {

/// What a balancer and a probe ask. 200, else 503 and the reason.
struct Verdict {
    bool good = false;
    std::string reason;  // one sentence; empty where good
};

/// Liveness: every loop has turned in its time. Says nothing about the role.
[[nodiscard]] Verdict health(const Published& published, model::Instant now);

/// True only on a primary whose lease does not end before its fence time and whose backend answers:
/// a balancer that asks sends traffic to the primary alone.
[[nodiscard]] Verdict ready(const Published& published, model::Instant now);

/// JSON: node, cluster, role, leader, epoch, lease, replication, vip, backend, conditions.
[[nodiscard]] std::string status_page(const Published& published, model::Instant now);

/// Prometheus' text format. A figure that is not known is left out, never 0.
[[nodiscard]] std::string metrics_page(const Published& published, model::Instant now);

/// /health, /ready, /status, /services. GET, HEAD and OPTIONS have the same status; only GET has a
/// body that is worth reading. 404 and 405 for the rest.
[[nodiscard]] model::HttpResponse respond(const Published& published,
                                          model::Instant now,
                                          const model::HttpRequest& request);

/// /metrics alone.
[[nodiscard]] model::HttpResponse respond_metrics(const Published& published,
                                                  model::Instant now,
                                                  const model::HttpRequest& request);

}  // namespace api
