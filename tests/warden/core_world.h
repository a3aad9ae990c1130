// A core of the warden for tests, and what they read of its actions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/warden_message.h"
#include "warden/core.h"

namespace warden::core_world {

using model::Duration;
using model::Errc;
using model::Instant;
using model::WardenRequest;
using namespace std::chrono_literals;

inline constexpr Duration ttl = 10s;
inline constexpr Duration margin = 2s;
inline constexpr int killed_by_9 = 9;  // wait statuses
inline constexpr int exited_with_1 = 1 << 8;

inline Instant at(Duration since) { return Instant{1000s + since}; }

inline Settings settings() {
    return {.ttl = ttl,
            .margin = margin,
            .stop_timeout = 90s,
            .boot_id = "boot",
            .run = "run",
            .cgroup = "/cg",
            .list = {.items = {model::Spawn{.command = {"/bin/backend"}, .dir = "/"},
                               model::Spawn{.command = {"none"}, .dir = "/", .refused = "no user"},
                               model::WardenTarget{.kind = model::WardenTarget::Kind::address,
                                                   .name = "192.0.2.7/32",
                                                   .interface = "eth0"},
                               model::WardenTarget{.name = "/cg/unit"}}}};
}

template <typename A>
int count(const Actions& actions) {
    return static_cast<int>(std::count_if(actions.begin(), actions.end(), [](const Action& action) {
        return std::holds_alternative<A>(action);
    }));
}

template <typename A>
std::size_t place(const Actions& actions) {
    return static_cast<std::size_t>(
        std::find_if(actions.begin(),
                     actions.end(),
                     [](const Action& action) { return std::holds_alternative<A>(action); }) -
        actions.begin());
}

// The answer to request `id`: its error, "ok", or "none".
inline std::string answer_to(const Actions& actions, std::uint64_t id) {
    for (const auto& action : actions)
        if (const auto* reply = std::get_if<Reply>(&action); reply && reply->answer.id == id)
            return reply->answer.failure ? std::string{model::to_text(reply->answer.failure->code)}
                                         : "ok";
    return "none";
}

inline std::vector<std::string> events(const Actions& actions) {
    std::vector<std::string> names;
    for (const auto& action : actions)
        if (const auto* event = std::get_if<LogEvent>(&action)) names.emplace_back(event->name);
    return names;
}

inline int exit_status(const Actions& actions) {
    for (const auto& action : actions)
        if (const auto* exit = std::get_if<Exit>(&action)) return exit->status;
    return -1;
}

inline WardenRequest hold(Instant until, std::uint64_t id = 1) {
    return {.kind = WardenRequest::Kind::set_deadline, .id = id, .valid_until = until};
}

inline WardenRequest ask(WardenRequest::Kind kind, std::uint64_t id = 2) {
    return {.kind = kind, .id = id};
}

using Kind = WardenRequest::Kind;

inline WardenRequest watch(std::uint64_t id = 20) {
    return {.kind = Kind::register_target, .id = id, .entry = {2}};
}

class CoreTest : public testing::Test {
protected:
    // A core with a running node process.
    Core fresh(const std::optional<Saved>& before = {}) {
        Core core{settings(), before};
        EXPECT_EQ(count<SpawnNode>(core.begin(at(0s))), 1);
        return core;
    }
    // A core with a running backend, too, under a deadline with strike time 9 s.
    Core active() {
        auto core = fresh();
        EXPECT_EQ(answer_to(core.request(hold(at(10s)), at(0s)), 1), "ok");
        const auto actions = core.request(ask(Kind::start_backend), at(0s));
        EXPECT_EQ(count<SpawnBackend>(actions), 1);
        EXPECT_EQ(count<KillBackend>(core.backend_spawned(4711, 99, at(0s))), 0);
        EXPECT_EQ(answer_to(core.backend_started(at(0s)), 2), "ok");
        return core;
    }
};

}  // namespace warden::core_world
