#include "app/micro_endpoints.h"

#include <chrono>
#include <utility>

#include "app/micro_status.h"
#include "model/json_text.h"
#include "model/names.h"

namespace app {
namespace {

using adapters::nats::MicroEndpoint;
using adapters::nats::MicroOptions;

MicroEndpoint ping_endpoint(std::string name, std::string subject) {
    return {.name = std::move(name), .subject = std::move(subject), .answer = ping_answer};
}

MicroEndpoint stepdown_endpoint(std::string subject, Stepdown& stepdown) {
    return {.name = "stepdown",
            .subject = std::move(subject),
            .answer_later = [&stepdown](std::function<void(std::string)> answer) {
                stepdown.ask(std::move(answer));
            }};
}

}  // namespace

MicroOptions micro_options(const config::Config& config,
                           model::WallTime started,
                           const SharedBoard& board,
                           Stepdown& stepdown) {
    const auto subject = [&config](const char* verb) {
        return model::node_subject(config.cluster_id, config.node_id, verb);
    };
    return {
        .cluster_id = config.cluster_id,
        .node_id = config.node_id,
        .started = started,
        .endpoints = {
            adapters::nats::status_endpoint(config.cluster_id,
                                            config.node_id,
                                            [&board] { return micro_status(board.status()); }),
            ping_endpoint("ping", subject("ping")),
            stepdown_endpoint(subject("stepdown"), stepdown),
            ping_endpoint("health", "cluster." + config.cluster_id + ".health." + config.node_id)}};
}

MicroOptions go_cluster_options(const config::Config& config,
                                model::WallTime started,
                                const SharedBoard& board,
                                Stepdown& stepdown) {
    const auto name = "cluster_" + config.cluster_id;
    return {.cluster_id = config.cluster_id,
            .node_id = config.node_id,
            .started = started,
            .endpoints = {{.name = "status",
                           .subject = name + ".status." + config.node_id,
                           .answer = [&board] { return go_cluster_status(board.status()); }},
                          ping_endpoint("ping", name + ".ping." + config.node_id),
                          stepdown_endpoint(name + ".control." + config.node_id + ".stepdown",
                                            stepdown)},
            .name = name};
}

std::string go_cluster_status(const model::NodeStatus& status) {
    model::JsonText json;
    json.begin_object()
        .field("nodeId", status.node_id)
        .field("role", to_text(status.role))
        .field("leader", status.leader)
        .field("epoch", status.epoch.value)
        .field("uptimeMs", status.uptime_ms)
        .field("connected", true)  // else there is no answer
        .end_object();
    return json.take();
}

std::string ping_answer() {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    return model::JsonText{}
        .begin_object()
        .field("ok", true)
        .field("timestamp", std::int64_t{now.count()})
        .end_object()
        .take();
}

}  // namespace app
