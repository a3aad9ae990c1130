// Handling of the node process's requests. Rules W0, W1 and W3 of docs/protocol.md.
#include <algorithm>

#include "warden/core.h"

namespace warden {
namespace {

using model::Errc;
using model::Instant;

// The incarnation becomes a line of the state file.
bool has_control_characters(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
}

}  // namespace

Actions Core::request(const model::WardenRequest& request, Instant now) {
    using Kind = model::WardenRequest::Kind;
    // W3: requests of a node process that was killed are ignored.
    if (node_ != Node::running) return take();
    switch (request.kind) {
        case Kind::set_deadline:
            set_deadline(request, now);
            break;
        case Kind::start_backend:
            start(request, now);
            break;
        case Kind::stop_backend:
            if (saved_.backend) act(StopBackend{});
            answer(request.id);
            break;
        case Kind::kill_backend:
            if (any_backend()) kill_backend(now);
            answer(request.id);
            break;
        case Kind::disarm:
            disarmed_ = true;
            answer(request.id);
            break;
        case Kind::claim:
            claim(request);
            break;
        case Kind::register_target:
            register_target(request, now);
            break;
        case Kind::unregister_target:
            unregister_target(request);
            break;
    }
    return take();
}

void Core::set_deadline(const model::WardenRequest& request, Instant now) {
    const auto wanted = std::min(request.valid_until, now + settings_.ttl);
    const bool ahead = request.valid_until > Instant{} && now < wanted - settings_.margin / 2;
    if (!ahead && request.valid_until > Instant{} && saved_.valid_until == Instant{}) {
        answer(request.id, model::error(Errc::fenced, "its strike time has passed"));
        return;
    }
    saved_.valid_until = std::max(wanted, Instant{});
    if (ahead) {
        disarmed_ = false;
        alarm_at_.reset();
        saved_.targets_alive = !saved_.targets.empty();
        act(Save{});
        answer(request.id);
    } else if (request.valid_until > Instant{}) {
        // With this request the node process itself gives up its lease.
        answer(request.id, model::error(Errc::fenced, "its strike time has passed"));
        strike("deadline_moved_back", now);
    } else {
        saved_.valid_until = {};
        if (any_backend()) kill_backend(now);
        end_targets(now);
        act(Save{});
        answer(request.id);
    }
}

void Core::register_target(const model::WardenRequest& request, Instant now) {
    const auto* const target = settings_.list.target(request.entry);
    if (target == nullptr) {
        answer(request.id, model::error(Errc::invalid, "the list has no such target"));
        return;
    }
    auto& list = saved_.targets;
    if (std::find(list.begin(), list.end(), *target) == list.end()) list.push_back(*target);
    saved_.targets_alive = true;
    act(Save{});
    act(WatchTargets{request.id});
    if (!held(now)) end_targets(now);
}

void Core::unregister_target(const model::WardenRequest& request) {
    const auto* const target = settings_.list.target(request.entry);
    if (target == nullptr) {
        answer(request.id, model::error(Errc::invalid, "the list has no such target"));
        return;
    }
    std::erase(saved_.targets, *target);
    saved_.targets_alive = saved_.targets_alive && !saved_.targets.empty();
    act(Save{});
    answer(request.id);
}

void Core::claim(const model::WardenRequest& request) {
    const auto& name = request.text;
    if (has_control_characters(name)) {
        answer(request.id, model::error(Errc::invalid, "a control character in the incarnation"));
        return;
    }
    saved_.incarnation = name;
    act(Save{});
    answer(request.id);
}

void Core::start(const model::WardenRequest& request, Instant now) {
    const auto* const spawn = settings_.list.spawn(request.entry);
    if (spawn == nullptr) {
        answer(request.id, model::error(Errc::invalid, "the list has no such backend"));
    } else if (!spawn->refused.empty()) {
        answer(request.id, model::error(Errc::invalid, spawn->refused));
    } else if (any_backend()) {
        answer(request.id, model::error(Errc::conflict, "the backend runs already"));
    } else if (stopping_) {
        answer(request.id, model::error(Errc::fenced, "the daemon is stopping"));
    } else if (disarmed_) {
        answer(request.id, model::error(Errc::fenced, "this node process is disarmed"));
    } else if (!held(now)) {
        answer(request.id, model::error(Errc::fenced, "no strike time is ahead"));
    } else {
        ++starts_;
        exit_.reset();
        start_request_ = request.id;
        // Saved before it is started: if the warden dies in between, the state file names the
        // backend.
        saved_.backend = Saved::Backend{.token = settings_.run + "-" + std::to_string(starts_),
                                        .cgroup = settings_.cgroup,
                                        .uid = spawn->change_user ? spawn->uid : settings_.uid};
        act(Save{});
        act(SpawnBackend{saved_.backend->token, *spawn});
    }
}

}  // namespace warden
