#include "tests/sim/cluster/process.h"

#include <algorithm>
#include <utility>

#include "adapters/process/process_backend.h"

namespace sim {
namespace {

using model::Instant;
using model::Result;
namespace ports = reconcilers::ports;

constexpr std::chrono::seconds longest_sleep{1};  // app/runner's

template <typename Port>
Port& or_else(const std::unique_ptr<Port>& mutated, Port& real) {
    return mutated ? *mutated : real;
}

}  // namespace

class NodeProcess::LeaseTap final : public ports::LeaseStore {
public:
    LeaseTap(ports::LeaseStore& inner, std::function<void(const model::LeaseRecord&)>& sent)
        : inner_{inner}, sent_{sent} {}
    Result<ports::LeaseEntry> read() override { return inner_.read(); }
    Result<model::Revision> write(const model::LeaseRecord& record,
                                  model::Revision expected) override {
        sent_(record);
        return inner_.write(record, expected);
    }
    std::uint64_t session() const override { return inner_.session(); }
    void on_change(std::function<void()> wake) override { inner_.on_change(std::move(wake)); }

private:
    ports::LeaseStore& inner_;
    std::function<void(const model::LeaseRecord&)>& sent_;
};

NodeProcess::NodeProcess(ProcessSettings settings, Surroundings surroundings)
    : settings_{std::move(settings)},
      around_{std::move(surroundings)},
      clock_{around_.clock},
      clients_{&around_.server.client(settings_.incarnation + " role"),
               &around_.server.client(settings_.incarnation + " control"),
               &around_.server.client(settings_.incarnation + " log")},
      election_{*clients_[0], "election"},
      state_{*clients_[1], "state"},
      spec_{*clients_[1], "spec"},
      log_{*clients_[2], "wal"},
      mutated_election_{mutate(settings_.mutation, static_cast<ports::KvStore&>(election_))},
      lease_{or_else<ports::KvStore>(mutated_election_, election_)},
      cluster_{state_, spec_},
      database_{around_.sqlite, around_.files},
      backend_{std::make_unique<adapters::process::ProcessBackend>(
          *around_.warden, ports::SpawnSpec{.command = {"/backend"}})},
      lease_tap_{std::make_unique<LeaseTap>(lease_, around_.lease_sent)},
      mutated_log_{mutate(settings_.mutation, static_cast<ports::LogStore&>(log_))},
      mutated_database_{mutate(settings_.mutation, static_cast<ports::Database&>(database_))},
      mutated_backend_{mutate(settings_.mutation, *backend_)},
      role_{{.node_id = settings_.node_id,
             .host = settings_.host,
             .timing = settings_.timing,
             .nofailover = settings_.nofailover,
             .priority = settings_.priority},
            settings_.incarnation,
            {.store = *lease_tap_,
             .warden = *around_.warden,
             .clock = clock_,
             .random = around_.random,
             .events = around_.events}},
      replica_{{.node_id = settings_.node_id,
                .paths = settings_.paths,
                .boot_id = settings_.host.boot_id,
                .ttl = settings_.timing.ttl,
                .snapshot_interval = settings_.snapshot_interval},
               {.store = or_else<ports::LogStore>(mutated_log_, log_),
                .files = around_.files,
                .database = or_else<ports::Database>(mutated_database_, database_),
                .clock = clock_,
                .events = around_.events}},
      backend_reconciler_{settings_.backend,
                          {.backend = or_else<ports::Backend>(mutated_backend_, *backend_),
                           .probe = around_.probe,
                           .clock = clock_,
                           .events = around_.events}},
      membership_{{.node_id = settings_.node_id,
                   .cluster_id = "sim",
                   .host = settings_.host,
                   .incarnation = settings_.incarnation,
                   .version = "sim",
                   .addresses = {},
                   .api_url = {},
                   .heartbeat = settings_.timing.heartbeat,
                   .priority = settings_.priority,
                   .nofailover = settings_.nofailover},
                  {.store = cluster_,
                   .warden = *around_.warden,
                   .clock = clock_,
                   .events = around_.events}} {
    // The server's clients outlive a process that died.
    const auto hint = [this, alive = alive_](Part part) {
        return [this, alive, part] {
            if (*alive) around_.wake(part, true);
        };
    };
    lease_.on_change(hint(Part::role));
    log_.on_change(hint(Part::replica));
    cluster_.on_change(hint(Part::membership));
    database_.on_change(hint(Part::replica));
    around_.warden->on_change([this] {
        around_.wake(Part::role, false);
        around_.wake(Part::backend, false);
    });
}

NodeProcess::~NodeProcess() { *alive_ = false; }

template <typename View>
void NodeProcess::write(View& stands, View view, bool wakes) {
    stands = std::move(view);
    if (!wakes) return;
    for (const auto part : all_parts)
        around_.wake(part, false);
}

Instant NodeProcess::step(Part part, bool hinted) {
    // As ensure_buckets does, until it worked.
    (void)election_.ensure();
    (void)state_.ensure();
    (void)spec_.ensure();
    (void)log_.ensure();
    Instant wake_at{};
    switch (part) {
        case Part::role: {
            auto pass = role_.step(board_, hinted);
            wake_at = pass.wake_at;
            const bool wakes = is_news(board_.role, pass.view);
            write(board_.role, std::move(pass.view), wakes);
            break;
        }
        case Part::replica: {
            auto pass = replica_.step(board_);
            wake_at = pass.wake_at;
            const bool wakes = is_news(board_.replica, pass.view);
            write(board_.replica, std::move(pass.view), wakes);
            break;
        }
        case Part::backend: {
            auto pass = backend_reconciler_.step(board_);
            wake_at = pass.wake_at;
            const bool wakes = is_news(board_.backend, pass.view);
            write(board_.backend, std::move(pass.view), wakes);
            break;
        }
        case Part::membership: {
            auto pass = membership_.step(board_);
            wake_at = pass.wake_at;
            const bool wakes = is_news(board_.membership, pass.view);
            write(board_.membership, std::move(pass.view), wakes);
            break;
        }
    }
    return std::min(wake_at, around_.clock.now() + longest_sleep);
}

void NodeProcess::shut_down() {
    board_.shutdown = true;
    for (const auto part : all_parts)
        around_.wake(part, false);
}

}  // namespace sim
