#include "adapters/nats/micro.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/nats/random_id.h"
#include "model/names.h"
#include "model/wall_time.h"

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
        explicit Endpoint(MicroEndpoint endpoint) : description{std::move(endpoint)} {}
        const MicroEndpoint description;
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
                endpoint->description.subject,
                [this, raw = endpoint.get()](const Incoming& request) {
                    const auto begin = std::chrono::steady_clock::now();
                    if (raw->description.answer_later) {
                        answer_later(raw->description, request);
                    } else {
                        reply(request, raw->description.answer());
                    }
                    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begin;
                    // The time is added before the count, because the CLI divides by the count.
                    raw->nanoseconds += taken.count();
                    ++raw->requests;
                }));
        }
    }

    void reply(const Incoming& request, const std::string& body) const {
        send(*connection, request.reply, body);
    }

    static void send(Connection& connection, const std::string& to, const std::string& body) {
        if (to.empty()) return;
        // An answer that cannot be sent needs no handling: the client asks again.
        (void)connection.publish({.subject = to, .payload = model::as_bytes(body)});
    }

    /// The answer may outlive the service, not its connection.
    void answer_later(const MicroEndpoint& endpoint, const Incoming& request) const {
        endpoint.answer_later([shared = connection, to = request.reply](const std::string& body) {
            send(*shared, to, body);
        });
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
            body["endpoints"].push_back({{"name", endpoint->description.name},
                                         {"subject", endpoint->description.subject},
                                         {"metadata", json::object()}});
        }
        return body;
    }

    [[nodiscard]] json stats() const {
        auto body = common("stats_response");
        body["started"] = model::to_rfc3339(options.started);
        body["endpoints"] = json::array();
        for (const auto& endpoint : endpoints) {
            const auto requests = endpoint->requests.load();
            const auto time = requests > 0 ? endpoint->nanoseconds.load() : 0;
            body["endpoints"].push_back(
                {{"name", endpoint->description.name},
                 {"subject", endpoint->description.subject},
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
    const std::string name =
        options.name.empty() ? micro_name(options.cluster_id, options.node_id) : options.name;
    const std::string id = random_id();
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    // Declared last, since their handlers use the other members.
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
            .subject = model::status_subject(cluster_id, node_id),
            .answer = std::move(answer)};
}

MicroService::MicroService(std::shared_ptr<Connection> connection, MicroOptions options)
    : state_{std::make_shared<State>(std::move(connection), std::move(options))} {
    state_->subscribe();
}

MicroService::~MicroService() = default;

}  // namespace adapters::nats
