#include "tests/sim/cluster/process.h"

#include <algorithm>
#include <utility>

#include "adapters/process/process_backend.h"
#include "tests/sim/cluster/addresses.h"

namespace sim {
namespace {

using model::Instant;
using model::Result;
namespace ports = reconcilers::ports;

constexpr std::chrono::seconds longest_sleep{1};  // as in app/runner
constexpr std::chrono::milliseconds move_interval{250};

std::vector<std::string> names_of(const std::vector<SimServer*>& servers) {
    std::vector<std::string> names;
    for (const auto* server : servers)
        names.push_back(server->name());
    return names;
}

model::StoreIdentity identity_of(SimServer& server) {
    return server.identity("KV_election", "KV_state", "OBJ_wal");
}

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
    std::uint64_t connection_generation() const override { return inner_.connection_generation(); }
    void on_change(std::function<void()> wake) override { inner_.on_change(std::move(wake)); }

private:
    ports::LeaseStore& inner_;
    std::function<void(const model::LeaseRecord&)>& sent_;
};

NodeProcess::NodeProcess(ProcessSettings settings, Environment environment)
    : settings_{std::move(settings)},
      environment_{std::move(environment)},
      clock_{environment_.clock},
      guard_{names_of(environment_.servers),
             reconcilers::replica::remembered_log(environment_.files, settings_.paths.state)},
      clients_{&new_client("role"), &new_client("control"), &new_client("log")},
      election_{*clients_[0], "election"},
      state_{*clients_[1], "state"},
      spec_{*clients_[1], "spec"},
      log_{*clients_[2], "wal"},
      mutated_election_{mutate(settings_.mutation, static_cast<adapters::kv::KvStore&>(election_))},
      lease_{or_else<adapters::kv::KvStore>(mutated_election_, election_)},
      cluster_{state_, spec_},
      database_{environment_.sqlite, environment_.files},
      backend_{std::make_unique<adapters::process::ProcessBackend>(
          *environment_.warden, model::WardenEntry{0}, [] { return model::Result<void>{}; })},
      lease_tap_{std::make_unique<LeaseTap>(lease_, environment_.lease_sent)},
      mutated_log_{mutate(settings_.mutation, static_cast<ports::LogStore&>(log_))},
      mutated_database_{mutate(settings_.mutation, static_cast<ports::Database&>(database_))},
      mutated_backend_{mutate(settings_.mutation, *backend_)},
      node_{{.node_id = settings_.node_id,
             .cluster_id = "sim",
             .host = settings_.host,
             .incarnation = settings_.incarnation,
             .version = "sim",
             .addresses = {},
             .api_url = {},
             .timing = settings_.timing,
             .nofailover = settings_.nofailover,
             .priority = settings_.priority,
             .paths = settings_.paths,
             .snapshot_interval = settings_.snapshot_interval,
             .backend = settings_.backend,
             .vip = sim_vip_settings(settings_.timing.ttl)},
            {.lease = *lease_tap_,
             .cluster = cluster_,
             .log = or_else<ports::LogStore>(mutated_log_, log_),
             .store_check = check_,
             .files = environment_.files,
             .database = or_else<ports::Database>(mutated_database_, database_),
             .backend = or_else<ports::Backend>(mutated_backend_, *backend_),
             .probe = environment_.probe,
             .warden = *environment_.warden,
             .clock = clock_,
             .random = environment_.random,
             .events = environment_.events,
             .addresses = environment_.addresses.get()},
            view_,
            // The server's clients outlive a process that died.
            [this, alive = alive_](Part part, bool hinted) {
                if (*alive) environment_.wake(part, hinted);
            }} {
    node_.connect();
}

NodeProcess::~NodeProcess() { *alive_ = false; }

ports::StoreView NodeProcess::Check::view() {
    if (process_.settings_.mutation != Mutation::any_store) return process_.guard_.view();
    return {.identity = identity_of(process_.clients_[0]->server()),
            .differs = {},
            .other_log = false,
            .kept_out = {},
            .unconfirmed = {}};
}

SimClient& NodeProcess::new_client(const std::string& use) {
    auto& client = environment_.servers.front()->client(settings_.incarnation + " " + use);
    client.require_admission();
    return client;
}

void NodeProcess::check_connections() {
    if (clients_[0]->partitioned()) return;  // the other two are partitioned with it
    for (const auto index : guard_.to_survey()) {
        auto& server = *environment_.servers[index];
        if (server.down()) {
            guard_.surveyed(index,
                            model::error(model::Errc::unavailable, "Connection refused"),
                            guard_.round());
        } else {
            guard_.surveyed(index, identity_of(server), guard_.round());
        }
    }
    for (const auto use : reconcilers::all_store_uses) {
        if (use != reconcilers::StoreUse::registry) check_connection(use);  // it has none
    }
    if (std::exchange(given_up_, guard_.given_up()) != guard_.given_up()) {
        for (auto* client : clients_)
            client->require_admission();
    }
}

void NodeProcess::check_connection(reconcilers::StoreUse use) {
    using Verdict = reconcilers::StoreGuard::Verdict;
    auto& client = *clients_[static_cast<std::size_t>(use)];
    auto& server = client.server();
    if (client.admitted() && !server.down()) return;
    auto verdict = Verdict::leave;
    if (settings_.mutation == Mutation::any_store && !server.down()) {
        verdict = Verdict::admitted;
    } else if (server.down()) {
        guard_.lost(use);
    } else {
        verdict = guard_.reached(use, server.name(), identity_of(server), guard_.round()).verdict;
    }
    if (verdict == Verdict::admitted) client.admit();
    const auto& servers = environment_.servers;
    const auto now = environment_.clock.now();
    if (verdict != Verdict::leave || servers.size() < 2 || now < next_move_) return;
    next_move_ = now + move_interval;
    const auto here = std::find(servers.begin(), servers.end(), &server) - servers.begin();
    client.move_to(*servers[(static_cast<std::size_t>(here) + 1) % servers.size()]);
}

/// Retries as the daemon does; the streams created identify the store.
void NodeProcess::ensure_buckets() {
    auto& role = *clients_[0];
    const auto notify = [&] {
        if (!role.down().empty() || guard_.view().identity.every_stream()) return;
        (void)guard_.reached(reconcilers::StoreUse::role,
                             role.server().name(),
                             identity_of(role.server()),
                             guard_.round());
    };
    (void)election_.ensure();
    notify();
    check_connections();
    (void)state_.ensure();
    (void)spec_.ensure();
    (void)log_.ensure();
    notify();
}

Instant NodeProcess::step(Part part, bool hinted) {
    check_connections();
    ensure_buckets();
    return std::min(node_.step(part, hinted), environment_.clock.now() + longest_sleep);
}

void NodeProcess::shut_down() { node_.shut_down(); }

}  // namespace sim
