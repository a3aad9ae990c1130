#include "reconcilers/registry/registry.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace reconcilers::registry {
namespace {

using model::Errc;
using model::Instant;
using std::chrono::milliseconds;

constexpr milliseconds pending_poll{20};
constexpr milliseconds retry_interval{500};
/// A pass stays short: what is left over is done by the next, which comes at once.
constexpr std::size_t most_actions = 32;

std::string describe(const model::ServiceEntry& entry) {
    return std::string{to_text(entry.health)} +
           (entry.health_reason.empty() ? "" : ": " + entry.health_reason);
}

}  // namespace

RegistryReconciler::RegistryReconciler(Settings settings, Ports ports)
    : settings_{std::move(settings)}, ports_{ports}, presence_{settings_.heartbeat} {}

RegistryReconciler::Pass RegistryReconciler::step(const Board& board) {
    const auto now = ports_.clock.now();
    auto wake_at = now + settings_.heartbeat;
    const auto node = node_state(board, settings_.node_id, now);
    presence_.observe(
        board.membership.members, board.membership.peers, board.membership.current, now);
    read();
    check(node, now, &wake_at);
    auto silent = presence_.silent(stored_, settings_.node_id, now);
    if (const auto next = presence_.next(now)) wake_at = std::min(wake_at, *next);
    if (read_ && now >= next_try_) {
        act(plan_registry({.node_id = settings_.node_id,
                           .node = node,
                           .services = settings_.services,
                           .verdicts = verdicts_},
                          stored_,
                          silent,
                          ports_.clock.wall()),
            now,
            &wake_at);
    } else if (read_) {
        wake_at = std::min(wake_at, next_try_);
    }
    show(std::move(silent));
    return {.view = view_, .wake_at = wake_at};
}

void RegistryReconciler::read() {
    auto changes = ports_.store.changes();
    read_ = changes.has_value();
    if (read_) take(std::move(*changes));
}

void RegistryReconciler::take(ports::ServiceChanges changes) {
    for (const auto& each : changes.unreadable)
        ports_.events.warning("service.skipped", {{"key", each.key}, {"error", each.reason}});
    if (apply_changes(std::move(changes), stored_, unreadable_)) changed_ = true;
}

void RegistryReconciler::check(const NodeState& node, Instant now, Instant* wake_at) {
    for (const auto& service : settings_.services) {
        if (!service.check) continue;
        auto& [pending, next] = checks_[service.name];
        if (!wants_check(service, node)) {
            pending = false;
            next = {};
            verdicts_.erase(service.name);
            continue;
        }
        if (pending) {
            auto outcome = ports_.checks.poll(service.name);
            if (outcome.state != ports::CheckOutcome::State::pending) {
                pending = false;
                next = now + service.check->interval;
                verdicts_[service.name] = std::move(outcome);
            }
        } else if (now >= next) {
            ports_.checks.start(service.name, *service.check);
            pending = true;
        }
        *wake_at = std::min<Instant>(*wake_at, pending ? now + pending_poll : next);
    }
}

void RegistryReconciler::act(const std::vector<Action>& actions, Instant now, Instant* wake_at) {
    std::size_t done = 0;
    for (const auto& action : actions) {
        if (done == most_actions) {
            *wake_at = now;
            return;
        }
        const auto result = std::visit([this](const auto& each) { return apply(each); }, action);
        if (!result && result.error().code != Errc::conflict) {
            if (writes_.failed(result.error().message))
                ports_.events.warning("service.write_failed", {{"error", result.error().message}});
            next_try_ = now + retry_interval;
            *wake_at = std::min(*wake_at, next_try_);
            return;
        }
        ++done;
    }
    if (writes_.succeeded()) ports_.events.info("service.written_again");
}

model::Result<void> RegistryReconciler::apply(const Write& write) {
    const auto& entry = write.entry;
    const auto written = ports_.store.write(entry);
    if (!written) return written.error();
    const auto key = model::service_key(entry.name, entry.node_id);
    const auto before = stored_.find(key);
    if (before == stored_.end()) {
        ports_.events.info("service.registered",
                           {{"service", entry.name},
                            {"address", entry.address},
                            {"port", std::to_string(entry.port)},
                            {"health", describe(entry)}});
    } else if (before->second.entry.health != entry.health) {
        const bool bad = entry.health == model::ServiceHealth::critical ||
                         entry.health == model::ServiceHealth::warning;
        ports_.events.emit(bad ? ports::Level::warning : ports::Level::info,
                           "service.health_changed",
                           {{"service", entry.name}, {"health", describe(entry)}});
    }
    stored_[key] = {entry, *written};
    changed_ = true;
    return {};
}

model::Result<void> RegistryReconciler::apply(const Erase& erase) {
    auto erased = ports_.store.erase(erase.key, erase.revision);
    if (!erased) return erased;  // conflict: it was written again, and the next pass knows
    ports_.events.info("service.removed", {{"key", erase.key}});
    stored_.erase(erase.key);
    changed_ = true;
    return {};
}

void RegistryReconciler::show(Silent silent) {
    view_.read = read_;
    if (!changed_ && silent == silent_) return;
    silent_ = std::move(silent);
    changed_ = false;
    view_.services =
        std::make_shared<const std::vector<model::ServiceEntry>>(visible(stored_, silent_));
    std::vector<model::UnreadableService> skipped;
    for (const auto& [key, each] : unreadable_)
        skipped.push_back(each);
    view_.unreadable =
        std::make_shared<const std::vector<model::UnreadableService>>(std::move(skipped));
    view_.own = static_cast<std::size_t>(
        std::count_if(stored_.begin(), stored_.end(), [this](const auto& each) {
            return each.second.entry.node_id == settings_.node_id;
        }));
}

}  // namespace reconcilers::registry
