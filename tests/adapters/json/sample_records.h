// A record of each kind in which every field has a value of its own.
#pragma once

#include "model/lease.h"
#include "model/status.h"

namespace samples {

inline model::LeaseRecord lease() {
    return {.node_id = "n.1",
            .host = {"machine", "boot"},
            .nonce = "inc-7",
            .epoch = {18'446'744'073'709'551'615U},
            .state = model::LeaseRecord::State::released,
            .held_nonce = "inc-6",
            .members = {"n.1", "n2"},
            .ttl_ms = 10'000,
            .txid = {42},
            .successor = "n2",
            .renewed_at = {1'700'000'000'123}};
}

inline model::NodeStatus status() {
    return {.node_id = "n1",
            .cluster_id = "prod",
            .role = model::Role::primary,
            .backend_status = "running",
            .last_seen = {1'700'000'000'000},
            .version = "0.1.0",
            .leader = "n1",
            .epoch = {3},
            .position = {{2}, {99}},
            .lag = model::Lag{1, 4096, 12},
            .has_database = true,
            .copy_complete = true,
            .fit = false,
            .unfit_because = "no such program",
            .released_because = "start the backend: no such program",
            .uptime_ms = 1000,
            .heartbeat_ms = 3000,
            .conditions = {{.type = model::ConditionType::has_standby,
                            .status = true,
                            .reason = "Snapshot",
                            .message = "m",
                            .since = {5},
                            .epoch = {3}},
                           {.type = model::ConditionType::backend_contained,
                            .known = false,
                            .reason = "NotReported"}},
            .addresses = {"10.0.0.1"},
            .api_url = "http://10.0.0.1:8080",
            .incarnation = "inc",
            .host = {"machine", "boot"},
            .priority = 50,
            .nofailover = true,
            .set_aside = {"/d/db.diverged-1-2"},
            .alarm = "a",
            .switchover = model::SwitchoverOutcome{"id", false, "why"},
            .store = {.election = "2026-01-02T03:04:05.678901234Z", .state = "s", .log = "l"}};
}

inline model::Spec spec() {
    return {
        .paused = true,
        .switchover = model::Spec::Switchover{.id = "i", .to = "n2", .from = "n1", .force = true},
        .leave = {"n3"}};
}

}  // namespace samples
