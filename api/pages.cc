#include "api/pages.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "model/json_text.h"
#include "model/wall_time.h"

namespace api {
namespace {

using model::HttpRequest;
using model::HttpResponse;
using model::JsonText;

bool lease_valid(const Published& published, model::Instant now) {
    return published.lease && now < published.lease->valid_until;
}

void write_lease(JsonText& json, const Published& published, model::Instant now) {
    json.key("lease");
    if (!lease_valid(published, now)) {
        json.null();
        return;
    }
    json.begin_object()
        .field("epoch", published.lease->epoch.value)
        .field("remainingMs", model::to_ms(published.lease->valid_until - now))
        .field("fenceInMs", model::to_ms(published.lease->fence_at() - now))
        .field("ttlMs", published.ttl_ms)
        .end_object();
}

void write_replication(JsonText& json, const Published& published) {
    const auto& node = published.node;
    json.key("replication").begin_object();
    json.field("state", published.replication_state);
    json.field("message", published.replication_message);
    json.field("tenure", node.position.tenure.value);
    json.field("txid", node.position.txid.value);
    json.field("hasDatabase", node.has_database);
    json.field("copyComplete", node.copy_complete);
    json.field("fit", node.fit);
    if (!node.unfit_because.empty()) json.field("unfitBecause", node.unfit_because);
    if (!node.released_because.empty()) json.field("releasedBecause", node.released_because);
    json.field("walBytesTotal", published.wal_bytes_total);
    json.key("lag");
    if (node.lag) {
        json.begin_object()
            .field("transactions", node.lag->transactions)
            .field("bytes", node.lag->bytes)
            .field("ms", node.lag->ms)
            .end_object();
    } else {
        json.null();
    }
    json.field("setAside", node.set_aside);
    json.end_object();
}

void write_backend(JsonText& json, const Published& published, model::Instant now) {
    json.key("backend").begin_object();
    json.field("kind", published.backend_kind);
    json.field("status", published.node.backend_status);
    json.field("ready", published.backend_ready);
    json.field("message", published.backend_message);
    json.key("pid");
    if (published.backend_pid > 0) {
        json.value(std::int64_t{published.backend_pid});
    } else {
        json.null();
    }
    json.field("lastExit", published.backend_last_exit);
    json.key("uptimeMs");
    if (published.backend_started) {
        json.value(model::to_ms(now - *published.backend_started));
    } else {
        json.null();
    }
    json.end_object();
}

void write_conditions(JsonText& json, const Published& published) {
    json.key("conditions").begin_list();
    for (const auto& condition : published.node.conditions) {
        json.begin_object().field("type", to_text(condition.type)).key("status");
        if (condition.known) {
            json.value(condition.status);
        } else {
            json.null();
        }
        json.field("reason", condition.reason)
            .field("message", condition.message)
            .field("since", model::to_rfc3339(condition.since))
            .field("epoch", condition.epoch.value)
            .end_object();
    }
    json.end_list();
}

HttpResponse verdict_response(const Verdict& verdict) {
    auto body = JsonText{}
                    .begin_object()
                    .field("status", verdict.good ? "ok" : "unavailable")
                    .field("reason", verdict.reason)
                    .end_object()
                    .take();
    return {.status = verdict.good ? 200 : 503, .body = std::move(body)};
}

HttpResponse failure(int status, std::string_view reason) {
    return {.status = status,
            .body = JsonText{}.begin_object().field("error", reason).end_object().take()};
}

struct Page {
    std::string_view path;
    std::function<HttpResponse()> make;
};

/// The requested page. HAProxy checks with OPTIONS by default: it gets the same status as GET.
HttpResponse find_page(const HttpRequest& request, const std::vector<Page>& pages) {
    const auto page = std::find_if(
        pages.begin(), pages.end(), [&](const Page& each) { return each.path == request.path; });
    if (page == pages.end()) return failure(404, "there is no such page");
    constexpr std::string_view methods = "GET, HEAD, OPTIONS";
    if (request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS") {
        auto response = failure(405, "this page can only be read");
        response.allow = methods;
        return response;
    }
    auto response = page->make();
    if (request.method == "OPTIONS") response.allow = methods;
    return response;
}

}  // namespace

Verdict health(const Published& published, model::Instant now) {
    for (const auto& loop : published.loops) {
        if (now - loop.turned_at > loop.limit) {
            return {false,
                    "the loop " + loop.name + " has not turned for " +
                        std::to_string(model::to_ms(now - loop.turned_at)) + " ms"};
        }
    }
    return {true, ""};
}

Verdict ready(const Published& published, model::Instant now) {
    if (published.node.role != model::Role::primary) {
        if (published.node.leader == published.node.node_id && !published.node.leader.empty()) {
            return {false, "this node has the lease, and is not primary yet or no more"};
        }
        if (published.node.leader_unknown)
            return {false, "this node is passive, and cannot read who leads"};
        return {false,
                published.node.leader.empty()
                    ? "this node is passive, and there is no leader"
                    : "this node is passive; the leader is " + published.node.leader};
    }
    if (!published.lease) return {false, "this node holds no lease"};
    if (now >= published.lease->fence_at()) return {false, "the lease ends"};
    if (!published.backend_ready) {
        return {false,
                "the backend is not healthy" + (published.backend_message.empty()
                                                    ? std::string{}
                                                    : ": " + published.backend_message)};
    }
    return {true, ""};
}

void write_vip(JsonText& json, const Vip& vip) {
    json.begin_object();
    json.field("address", vip.address).field("interface", vip.interface);
    json.field("bound", vip.bound);
    json.key("since");
    if (vip.bound) {
        json.value(model::to_rfc3339(vip.since));
    } else {
        json.null();
    }
    json.field("announcements", vip.announcements);
    json.key("conflict");
    if (vip.conflict.empty()) {
        json.null();
    } else {
        json.value(vip.conflict);
    }
    json.end_object();
}

std::string status_page(const Published& published, model::Instant now) {
    const auto& node = published.node;
    JsonText json{2};
    json.begin_object();
    json.field("node", node.node_id);
    json.field("cluster", node.cluster_id);
    json.field("role", to_text(node.role));
    json.key("leader");
    if (node.leader.empty()) {
        json.null();
    } else {
        json.value(node.leader);
    }
    if (node.leader_unknown) json.field("leaderUnknown", true);
    json.field("epoch", node.epoch.value);
    write_lease(json, published, now);
    write_replication(json, published);
    json.key("vip").begin_list();
    for (const auto& vip : published.vips)
        write_vip(json, vip);
    json.end_list();
    write_backend(json, published, now);
    write_conditions(json, published);
    json.field("alarm", node.alarm);
    json.field("version", node.version);
    json.field("uptimeMs", node.uptime_ms);
    json.field("lastSeen", model::to_rfc3339(node.last_seen));
    json.end_object();
    return json.take() + "\n";
}

HttpResponse services_page(const Published& published,
                           const HttpRequest& request,
                           model::ExportFormat format) {
    model::ServiceFilter filter;
    for (const auto& [key, value] : request.query) {
        if (key == "name") {
            filter.name = value;
        } else if (key == "node") {
            filter.node = value;
        } else if (key == "tag") {
            filter.tags = {value};
        } else if (key == "health") {
            filter.health = model::parse_service_health(value);
            if (!filter.health)
                return failure(400, "health is passing, warning, critical or standby");
        } else {
            // A condition that is not understood must not show more than was asked for.
            return failure(400, "services are filtered by name, tag, node and health");
        }
    }
    if (!published.services) return failure(503, "the registry cannot be read now");
    return {.body = model::export_services(
                format, published.node.cluster_id, filtered(*published.services, filter))};
}

HttpResponse respond(const Published& published, model::Instant now, const HttpRequest& request) {
    return find_page(
        request,
        {{"/health", [&] { return verdict_response(health(published, now)); }},
         {"/ready", [&] { return verdict_response(ready(published, now)); }},
         {"/status", [&] { return HttpResponse{.body = status_page(published, now)}; }},
         {"/services",
          [&] { return services_page(published, request, model::ExportFormat::json); }},
         {"/services/prometheus",
          [&] { return services_page(published, request, model::ExportFormat::http_sd); }}});
}

HttpResponse respond_metrics(const Published& published,
                             model::Instant now,
                             const HttpRequest& request) {
    return find_page(request, {{"/metrics", [&] {
                                    return HttpResponse{
                                        .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                        .body = metrics_page(published, now)};
                                }}});
}

}  // namespace api
