// The pages of the API and of the metrics: pure functions of the published state and the time.
#pragma once

#include <string>

#include "api/published.h"
#include "model/http.h"
#include "model/service_export.h"
#include "model/time.h"

namespace api {

/// The answer to a health or readiness check. good: 200, else 503 with the reason.
struct Verdict {
    bool good = false;
    std::string reason;  // one sentence; empty where good
};

/// Liveness: every loop ran within its time limit. Independent of the role.
[[nodiscard]] Verdict health(const Published& published, model::Instant now);

/// True only on a primary before its fence time whose backend answers: a load balancer that checks
/// this sends traffic to the primary only.
[[nodiscard]] Verdict ready(const Published& published, model::Instant now);

/// JSON: node, cluster, role, leader, epoch, lease, replication, vip, backend, conditions.
[[nodiscard]] std::string status_page(const Published& published, model::Instant now);

/// Prometheus' text format. An unknown value is left out, never 0.
[[nodiscard]] std::string metrics_page(const Published& published, model::Instant now);

/// The registry, filtered by the query's `name`, `tag`, `node` and `health`: as JSON entries, or as
/// targets for Prometheus (http_sd). 503 where it cannot be read: Prometheus then keeps its last
/// list. 400 where the query asks for something that there is not.
[[nodiscard]] model::HttpResponse services_page(const Published& published,
                                                const model::HttpRequest& request,
                                                model::ExportFormat format);

/// /health, /ready, /status, /services, /services/prometheus. GET, HEAD and OPTIONS have the same
/// status; only GET has a useful body. 404 and 405 for anything else.
[[nodiscard]] model::HttpResponse respond(const Published& published,
                                          model::Instant now,
                                          const model::HttpRequest& request);

/// Only /metrics.
[[nodiscard]] model::HttpResponse respond_metrics(const Published& published,
                                                  model::Instant now,
                                                  const model::HttpRequest& request);

}  // namespace api
