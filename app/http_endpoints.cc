#include "app/http_endpoints.h"

#include <chrono>
#include <stop_token>
#include <thread>
#include <utility>

#include "adapters/cpprest/http_server.h"
#include "adapters/linux/clock.h"
#include "adapters/sync/mutex.h"
#include "api/pages.h"

namespace app {
namespace {

using adapters::cpprest::HttpServer;

/// The longest time between two turns of a live loop: a pass of the role takes a few calls of 500
/// ms, those of the others are limited by their own budgets.
constexpr std::chrono::seconds loop_limit{10};
constexpr std::chrono::seconds retry_interval{2};

std::string_view backend_kind(config::Backend::Kind kind) { return config::to_text(kind); }

/// Both servers; retried while a port is in use.
class HttpEndpoints {
public:
    HttpEndpoints(const config::Config& config,
                  const SharedBoard& board,
                  reconcilers::ports::Events& events)
        : config_{config}, board_{board}, events_{events} {
        thread_ = std::jthread{[this](const std::stop_token& stop) { keep(stop); }};
    }

private:
    [[nodiscard]] api::Published published() const;
    void keep(const std::stop_token& stop);
    [[nodiscard]] std::unique_ptr<HttpServer> start(const HttpServer::Options& options,
                                                    HttpServer::Handler handler);

    const config::Config& config_;
    const SharedBoard& board_;
    reconcilers::ports::Events& events_;
    adapters::linux_host::Clock clock_;
    std::string last_error_;
    std::unique_ptr<HttpServer> api_;
    std::unique_ptr<HttpServer> metrics_;
    std::jthread thread_;  // declared last: ends before the servers are destroyed
};

api::Published HttpEndpoints::published() const {
    const auto board = board_.board();
    api::Published published;
    published.node = board_.status();
    if (board.role.holds()) published.lease = board.role.lease;
    published.ttl_ms = model::to_ms(config_.election.timing.ttl);
    for (const auto& [part, turned_at] : board_.turns()) {
        published.loops.push_back(
            {.name = std::string{to_text(part)}, .turned_at = turned_at, .limit = loop_limit});
    }
    published.replication_state = board.replica.state;
    published.replication_message = board.replica.message;
    published.wal_bytes_total = board.replica.wal_bytes_total;
    published.backend_kind = backend_kind(config_.backend.kind);
    published.backend_message = board.backend.message;
    published.backend_pid = board.backend.pid;
    published.backend_last_exit = board.backend.last_exit;
    published.backend_ready = board.backend.ready && !board.backend.output.off;
    if (board.backend.started_at != model::Instant{}) {
        published.backend_started = board.backend.started_at;
    }
    for (const auto& each : board.vip.each) {
        published.vips.push_back({.address = to_text(each.what.at),
                                  .interface = each.what.interface,
                                  .bound = each.bound,
                                  .since = each.since,
                                  .announcements = each.announcements,
                                  .conflict = each.conflict});
    }
    if (board.registry.read) published.services = board.registry.services;
    if (board.registry.unreadable)
        published.unreadable_services = board.registry.unreadable->size();
    return published;
}

std::unique_ptr<HttpServer> HttpEndpoints::start(const HttpServer::Options& options,
                                                 HttpServer::Handler handler) {
    auto server = HttpServer::start(options, std::move(handler));
    if (server) {
        events_.info("api.listening",
                     {{"key", options.key}, {"address", model::to_text(options.listen)}});
        return std::move(*server);
    }
    if (server.error().message != last_error_) {
        last_error_ = server.error().message;
        events_.error("api.listen_failed", {{"error", last_error_}});
    }
    return {};
}

void HttpEndpoints::keep(const std::stop_token& stop) {
    while (!stop.stop_requested() && (!api_ || !metrics_)) {
        if (!api_) {
            api_ = start({.listen = config_.api, .key = "api.listen"},
                         [this](const model::HttpRequest& request) {
                             return api::respond(published(), clock_.now(), request);
                         });
        }
        if (!metrics_) {
            metrics_ = start({.listen = config_.metrics, .key = "metrics.listen"},
                             [this](const model::HttpRequest& request) {
                                 return api::respond_metrics(published(), clock_.now(), request);
                             });
        }
        if (!api_ || !metrics_) adapters::sync::sleep_for(retry_interval, stop);
    }
}

}  // namespace

std::shared_ptr<void> start_http_endpoints(const config::Config& config,
                                           const SharedBoard& board,
                                           reconcilers::ports::Events& events) {
    return std::make_shared<HttpEndpoints>(config, board, events);
}

}  // namespace app
