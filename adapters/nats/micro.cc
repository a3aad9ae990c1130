#include "adapters/nats/micro.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/nats/random_id.h"
#include "adapters/nats/rfc3339.h"

namespace adapters::nats {
namespace {

using nlohmann::json;

constexpr auto version = "1.0.0";
constexpr auto description = "Status of one node of a cluster";

std::string as_text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

struct MicroService::State {
    struct Endpoint {
        explicit Endpoint(MicroEndpoint endpoint) : told{std::move(endpoint)} {}
        const MicroEndpoint told;
        std::atomic<std::uint64_t> requests = 0;
        std::atomic<std::int64_t> nanoseconds = 0;
    };

    State(std::shared_ptr<Connection> connection_, MicroOptions options_)
        : connection{std::move(connection_)}, options{std::move(options_)} {
        for (const auto& endpoint : options.endpoints)
            endpoints.push_back(std::make_unique<Endpoint>(endpoint));
    }

    void subscribe() {
        using Make = json (State::*)() const;
        const std::pair<std::string, Make> verbs[] = {
            {"PING", &State::ping}, {"INFO", &State::info}, {"STATS", &State::stats}};
        for (const auto& [verb, make] : verbs) {
            const auto answer = [this, make = make](const Incoming& request) {
                reply(request, as_text((this->*make)()));
            };
            const auto all = "$SRV." + verb;
            const auto named = all + '.' + name;
            for (const auto& subject : {all, named, named + '.' + id})
                subscriptions.push_back(connection->subscribe(subject, answer));
        }
        for (const auto& endpoint : endpoints) {
            subscriptions.push_back(connection->subscribe(
                endpoint->told.subject, [this, raw = endpoint.get()](const Incoming& request) {
                    const auto begin = std::chrono::steady_clock::now();
                    reply(request, raw->told.answer());
                    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begin;
                    // Time before number: the CLI divides by the number.
                    raw->nanoseconds += taken.count();
                    ++raw->requests;
                }));
        }
    }

    void reply(const Incoming& request, const std::string& body) const {
        if (request.reply.empty()) return;
        // Whoever asked asks again: there is nothing to do about an answer that cannot be sent.
        (void)connection->publish({.subject = request.reply, .payload = model::as_bytes(body)});
    }

    [[nodiscard]] json common(const char* type) const {
        return {{"type", std::string{"io.nats.micro.v1."} + type},
                {"name", name},
                {"id", id},
                {"version", version},
                {"metadata", {{"cluster_id", options.cluster_id}, {"node_id", options.node_id}}}};
    }

    [[nodiscard]] json ping() const { return common("ping_response"); }

    [[nodiscard]] json info() const {
        auto body = common("info_response");
        body["description"] = description;
        body["endpoints"] = json::array();
        for (const auto& endpoint : endpoints) {
            body["endpoints"].push_back({{"name", endpoint->told.name},
                                         {"subject", endpoint->told.subject},
                                         {"metadata", json::object()}});
        }
        return body;
    }

    [[nodiscard]] json stats() const {
        auto body = common("stats_response");
        body["started"] = to_rfc3339(options.started);
        body["endpoints"] = json::array();
        for (const auto& endpoint : endpoints) {
            const auto requests = endpoint->requests.load();
            const auto time = requests > 0 ? endpoint->nanoseconds.load() : 0;
            body["endpoints"].push_back(
                {{"name", endpoint->told.name},
                 {"subject", endpoint->told.subject},
                 {"num_requests", requests},
                 {"num_errors", 0},
                 {"last_error", ""},
                 {"processing_time", time},
                 {"average_processing_time",
                  requests > 0 ? time / static_cast<std::int64_t>(requests) : 0}});
        }
        return body;
    }

    const std::shared_ptr<Connection> connection;
    const MicroOptions options;
    const std::string name = micro_name(options.cluster_id, options.node_id);
    const std::string id = random_id();
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    // Last: their handlers use the rest.
    std::vector<std::unique_ptr<Connection::Subscription>> subscriptions;
};

std::string micro_name(const std::string& cluster_id, const std::string& node_id) {
    auto node = node_id;
    std::replace(node.begin(), node.end(), '.', '_');
    return "convex-" + cluster_id + '-' + node;
}

MicroEndpoint status_endpoint(const std::string& cluster_id,
                              const std::string& node_id,
                              std::function<std::string()> answer) {
    return {.name = "status",
            .subject = "convex." + cluster_id + ".svc." + node_id + ".status",
            .answer = std::move(answer)};
}

MicroService::MicroService(std::shared_ptr<Connection> connection, MicroOptions options)
    : state_{std::make_shared<State>(std::move(connection), std::move(options))} {
    state_->subscribe();
}

MicroService::~MicroService() = default;

}  // namespace adapters::nats
