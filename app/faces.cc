#include "app/faces.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "adapters/cpprest/http_server.h"
#include "adapters/linux/clock.h"
#include "api/pages.h"

namespace app {
namespace {

using adapters::cpprest::HttpServer;

/// The longest that a live loop takes between two turns: a pass of the role ends within a few calls
/// of 500 ms, those of the others within their own budgets.
constexpr std::chrono::seconds loop_limit{10};
constexpr std::chrono::seconds retry_interval{2};

std::string_view backend_kind(model::BackendConfig::Kind kind) { return model::to_text(kind); }

/// Both servers, tried again for as long as a port is taken.
class Faces {
public:
    Faces(const model::Config& config, const SharedBoard& board, reconcilers::ports::Events& events)
        : config_{config}, board_{board}, events_{events} {
        thread_ = std::jthread{[this](const std::stop_token& stop) { keep(stop); }};
    }

private:
    [[nodiscard]] api::Published published() const;
    void keep(const std::stop_token& stop);
    [[nodiscard]] std::unique_ptr<HttpServer> start(const HttpServer::Options& options,
                                                    HttpServer::Handler handler);

    const model::Config& config_;
    const SharedBoard& board_;
    reconcilers::ports::Events& events_;
    adapters::linux_host::Clock clock_;
    std::string last_error_;
    std::unique_ptr<HttpServer> api_;
    std::unique_ptr<HttpServer> metrics_;
    std::jthread thread_;  // last: it ends before the servers
};

api::Published Faces::published() const {
    const auto board = board_.read();
    api::Published published;
    published.node = board_.status();
    if (board.role.holds()) published.lease = board.role.lease;
    published.ttl_ms = model::to_ms(config_.election.timing.ttl);
    for (const auto& [name, turned_at] : board_.turns()) {
        published.loops.push_back({.name = name, .turned_at = turned_at, .limit = loop_limit});
    }
    published.replication_state = board.replica.state;
    published.replication_message = board.replica.message;
    published.wal_bytes_total = board.replica.wal_bytes_total;
    published.backend_kind = backend_kind(config_.backend.kind);
    published.backend_message = board.backend.message;
    published.backend_ready = board.backend.ready && !board.backend.dead;
    if (board.backend.started_at != model::Instant{}) {
        published.backend_started = board.backend.started_at;
    }
    return published;
}

std::unique_ptr<HttpServer> Faces::start(const HttpServer::Options& options,
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

void Faces::keep(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
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
        std::unique_lock lock{mutex};
        if (!api_ || !metrics_) changed.wait_for(lock, stop, retry_interval, [] { return false; });
    }
}

}  // namespace

std::shared_ptr<void> start_faces(const model::Config& config,
                                  const SharedBoard& board,
                                  reconcilers::ports::Events& events) {
    return std::make_shared<Faces>(config, board, events);
}

}  // namespace app
