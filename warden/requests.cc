// What the node process asks of the core. Rules W0, W1 and W3 of docs/protocol.md.
#include <algorithm>

#include "warden/core.h"

namespace warden {
namespace {

using model::Errc;
using model::Instant;

constexpr std::size_t most_targets = 32;

// Each text is a line of the state file.
bool has_control_characters(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
}

}  // namespace

Actions Core::request(const model::WardenRequest& request, Instant now) {
    using Kind = model::WardenRequest::Kind;
    // W3: who was killed wants nothing any more.
    if (node_ != Node::running) return take();
    switch (request.kind) {
        case Kind::hold_until:
            hold(request, now);
            break;
        case Kind::start_backend:
            start(request, now);
            break;
        case Kind::stop_backend:
            if (saved_.backend) act(StopBackend{});
            answer(request.id);
            break;
        case Kind::kill_backend:
            if (saved_.backend) kill_backend(now);
            answer(request.id);
            break;
        case Kind::disarm:
            disarmed_ = true;
            answer(request.id);
            break;
        case Kind::claim:
            claim(request);
            break;
        case Kind::watch:
            watch(request, now);
            break;
        case Kind::forget:
            std::erase(saved_.targets, request.target);
            act(Save{});
            answer(request.id);
            break;
    }
    return take();
}

void Core::hold(const model::WardenRequest& request, Instant now) {
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
        act(Save{});
        answer(request.id);
    } else if (request.valid_until > Instant{}) {
        // The node process itself says that its lease is as good as over.
        answer(request.id, model::error(Errc::fenced, "its strike time has passed"));
        strike("deadline_moved_back", now);
    } else {
        saved_.valid_until = {};
        if (saved_.backend) kill_backend(now);
        end_targets(now);
        act(Save{});
        answer(request.id);
    }
}

void Core::watch(const model::WardenRequest& request, Instant now) {
    const auto& target = request.target;
    auto& list = saved_.targets;
    if (has_control_characters(target.name)) {
        answer(request.id, model::error(Errc::invalid, "a control character in the name"));
        return;
    }
    if (std::find(list.begin(), list.end(), target) == list.end()) {
        if (list.size() >= most_targets) {
            answer(request.id, model::error(Errc::invalid, "32 things are watched already"));
            return;
        }
        list.push_back(target);
    }
    act(Save{});
    answer(request.id);
    if (!held(now)) end_targets(now);
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
    if (saved_.backend) {
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
        // In the file before it lives: a warden that dies in between leaves nothing unnamed.
        saved_.backend = Saved::Backend{.token = settings_.run + "-" + std::to_string(starts_),
                                        .cgroup = settings_.cgroup};
        act(Save{});
        act(SpawnBackend{saved_.backend->token, request.spawn});
    }
}

}  // namespace warden
