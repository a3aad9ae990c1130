#include "reconcilers/node.h"

#include <chrono>
#include <utility>

namespace reconcilers {
namespace {

constexpr std::chrono::seconds bootstrap_patience{30};
constexpr std::chrono::hours idle_interval{1};  // of a part that this node does not have

role::Settings role_settings(const NodeSettings& node) {
    return {.node_id = node.node_id,
            .host = node.host,
            .timing = node.timing,
            .nofailover = node.nofailover,
            .priority = node.priority};
}

replica::Settings replica_settings(const NodeSettings& node) {
    return {.node_id = node.node_id,
            .paths = node.paths,
            .boot_id = node.host.boot_id,
            .ttl = node.timing.ttl,
            .snapshot_interval = node.snapshot_interval};
}

membership::Settings membership_settings(const NodeSettings& node) {
    return {.node_id = node.node_id,
            .cluster_id = node.cluster_id,
            .host = node.host,
            .incarnation = node.incarnation,
            .version = node.version,
            .addresses = node.addresses,
            .api_url = node.api_url,
            .heartbeat = node.timing.heartbeat,
            .priority = node.priority,
            .nofailover = node.nofailover};
}

}  // namespace

std::string_view to_text(Part part) {
    switch (part) {
        case Part::role:
            return "role";
        case Part::replica:
            return "replica";
        case Part::vip:
            return "vip";
        case Part::backend:
            return "backend";
        case Part::membership:
            return "membership";
        case Part::registry:
            return "registry";
    }
    return "?";
}

Node::Node(const NodeSettings& settings, const NodePorts& ports, NodeViewStore& view, Wake wake)
    : ports_{ports},
      view_{view},
      wake_{std::move(wake)},
      role_{role_settings(settings),
            settings.incarnation,
            {.store = ports.lease,
             .warden = ports.warden,
             .clock = ports.clock,
             .random = ports.random,
             .events = ports.events}},
      replica_{replica_settings(settings),
               {.store = ports.log,
                .files = ports.files,
                .database = ports.database,
                .clock = ports.clock,
                .events = ports.events}},
      backend_{settings.backend,
               {.backend = ports.backend,
                .probe = ports.probe,
                .clock = ports.clock,
                .events = ports.events}},
      membership_{membership_settings(settings),
                  {.store = ports.cluster,
                   .warden = ports.warden,
                   .clock = ports.clock,
                   .events = ports.events}} {
    if (ports.registry) {
        registry_.emplace(registry::Settings{.node_id = settings.node_id,
                                             .heartbeat = settings.timing.heartbeat,
                                             .services = settings.services},
                          registry::Ports{.store = ports.registry->store,
                                          .checks = ports.registry->checks,
                                          .clock = ports.clock,
                                          .events = ports.events});
    }
    if (ports.addresses != nullptr) {
        vip_.emplace(settings.vip,
                     vip::Ports{.addresses = *ports.addresses,
                                .warden = ports.warden,
                                .clock = ports.clock,
                                .events = ports.events});
        // Before its first pass nothing may be taken for off.
        view_.update([](NodeView& node) { node.board.vip.configured = true; });
    }
}

void Node::connect() {
    // Captures copies: a port may keep its waker for longer than the node lives.
    const auto hint = [this](Part part) { return [wake = wake_, part] { wake(part, true); }; };
    ports_.lease.on_change(hint(Part::role));
    ports_.log.on_change(hint(Part::replica));
    ports_.cluster.on_change(hint(Part::membership));
    if (ports_.registry) ports_.registry->store.on_change(hint(Part::registry));
    ports_.database.on_change(hint(Part::replica));
    if (ports_.addresses != nullptr) ports_.addresses->on_change(hint(Part::vip));
    ports_.warden.on_change([wake = wake_] {
        wake(Part::role, false);
        wake(Part::backend, false);
    });
}

void Node::disconnect() {
    ports_.lease.on_change([] {});
    ports_.log.on_change([] {});
    ports_.cluster.on_change([] {});
    if (ports_.registry) ports_.registry->store.on_change([] {});
    ports_.database.on_change([] {});
    if (ports_.addresses != nullptr) ports_.addresses->on_change({});
    ports_.warden.on_change({});
}

bool Node::has(Part part) const {
    if (part == Part::registry) return registry_.has_value();
    return part != Part::vip || vip_.has_value();
}

void Node::wake_all() {
    for (const auto part : all_parts) {
        if (has(part)) wake_(part, false);
    }
}

template <typename View>
void Node::publish(View Board::*slot, View next) {
    bool news = false;
    view_.update([&](NodeView& view) {
        news = is_news(view.board.*slot, next);
        view.board.*slot = std::move(next);
    });
    if (news) wake_all();
}

model::Instant Node::step(Part part, bool hinted) {
    auto board = view_.board();
    board.store = ports_.store_check.view();
    const auto published = [this](auto slot, auto pass) {
        publish(slot, std::move(pass.view));
        return pass.wake_at;
    };
    switch (part) {
        case Part::role:
            return published(&Board::role, role_.step(board, hinted));
        case Part::replica:
            return published(&Board::replica, replica_.step(board));
        case Part::vip:
            if (!vip_) break;
            return published(&Board::vip, vip_->step(board));
        case Part::backend:
            return published(&Board::backend, backend_.step(board));
        case Part::membership: {
            board.warden = ports_.warden.view();
            auto pass = membership_.step(board);
            view_.update([&](NodeView& view) { view.status = std::move(pass.status); });
            return published(&Board::membership, std::move(pass));
        }
        case Part::registry:
            model::check(registry_.has_value(), "a node without a registry steps it");
            return published(&Board::registry, registry_->step(board));
    }
    return ports_.clock.now() + idle_interval;
}

void Node::shut_down() {
    view_.update([](NodeView& view) { view.board.shutdown = true; });
    wake_all();
}

Bootstrap::Bootstrap(const NodeSettings& settings, const Ports& ports)
    : clock_{ports.clock},
      replica_{replica_settings(settings),
               {.store = ports.log,
                .files = ports.files,
                .database = ports.database,
                .clock = ports.clock,
                .events = ports.events}},
      progress_at_{ports.clock.now()} {
    // Acts as a passive node that runs nothing, until its copy is complete.
    board_.role.phase = RoleView::Phase::follower;
    board_.backend.output.off = true;
}

model::Result<Bootstrap::Pass> Bootstrap::step() {
    const auto [view, wake_at] = replica_.step(board_);
    if (!view.alarm.empty()) return model::error(model::Errc::corrupt, view.alarm);
    Pass pass{.state = Pass::State::working, .progress = {}, .wake_at = wake_at};
    pass.progress = view.state == "copying"
                        ? view.message
                        : "read up to TXID " + std::to_string(view.position.txid.value);
    if (view.log_read && view.copy_complete) pass.state = Pass::State::copied;
    if (view.log_read && !view.has_database && view.state == "following") {
        pass.state = Pass::State::no_data;
    }
    if (pass.state != Pass::State::working) return pass;
    if (pass.progress != progress_) {
        progress_ = pass.progress;
        progress_at_ = clock_.now();
    } else if (clock_.now() - progress_at_ > bootstrap_patience) {
        return model::error(
            model::Errc::unavailable,
            "no progress for 30 s: " + (view.message.empty() ? view.state : view.message));
    }
    return pass;
}

}  // namespace reconcilers
