#include "app/node.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "adapters/http/http_probe.h"
#include "adapters/http/service_checks.h"
#include "adapters/json/records.h"
#include "adapters/json/service_store.h"
#include "adapters/json/stores.h"
#include "adapters/linux/clock.h"
#include "adapters/linux/files.h"
#include "adapters/linux/host.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/kv_feed.h"
#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/nats/micro.h"
#include "adapters/netlink/addresses.h"
#include "adapters/sqlite/database.h"
#include "adapters/sync/mutex.h"
#include "app/backend_kind.h"
#include "app/micro_endpoints.h"
#include "app/nats_options.h"
#include "app/node_settings.h"
#include "app/runner.h"
#include "app/service_settings.h"
#include "app/stepdown.h"
#include "app/store_gate.h"
#include "model/names.h"
#include "reconcilers/node.h"
#include "reconcilers/replica/local.h"
#include "reconcilers/store_guard.h"

namespace app {
namespace {

using model::Errc;
using model::Result;
using reconcilers::Part;
using std::chrono::milliseconds;

constexpr milliseconds longest_wait{1000};  // of the main thread; everything it waits for wakes it
// A bucket normally exists within milliseconds; one that takes longer is reported, and retried less
// often.
constexpr milliseconds patience{1000};
constexpr milliseconds retry_interval{250};
constexpr milliseconds short_retry_interval{20};

Result<std::shared_ptr<adapters::nats::Connection>> connect(const config::Config& config,
                                                            reconcilers::StoreUse use,
                                                            StoreGate& gate,
                                                            reconcilers::ports::Events& events) {
    const std::string purpose{to_text(use)};
    auto options = nats_options(config, purpose);
    if (!options) return std::move(options).error();
    return adapters::nats::Connection::open(
        std::move(*options),
        [&events, &gate, use, purpose](const adapters::nats::ConnectionEvent& event) {
            if (event.connected) {
                events.info("nats.connected", {{"connection", purpose}, {"server", event.server}});
            } else {
                gate.lost(use);
                events.warning("nats.disconnected",
                               {{"connection", purpose}, {"reason", event.reason}});
            }
        },
        gate.admit(use));
}

std::unique_ptr<adapters::netlink::Addresses> make_addresses(const config::Config& config,
                                                             reconcilers::ports::Clock& clock) {
    auto addresses = virtual_addresses(config);
    if (addresses.empty()) return nullptr;
    return std::make_unique<adapters::netlink::Addresses>(std::move(addresses), clock);
}

/// All parts of a node process, in the order of construction; the threads are last and end first.
class NodeProcess {
public:
    struct Connections {
        std::shared_ptr<adapters::nats::Connection> role;
        std::shared_ptr<adapters::nats::Connection> control;
        std::shared_ptr<adapters::nats::Connection> log;
        std::shared_ptr<adapters::nats::Connection> registry;
    };
    NodeProcess(const config::Config& config,
                const model::Host& host,
                reconcilers::ports::Warden& warden,
                reconcilers::ports::Events& events,
                StoreGate& gate,
                Connections connections);

    NodeEnd run(const EndpointStarter& endpoints, const std::stop_token& stop);

private:
    void wake(Part part, bool hinted);
    [[nodiscard]] Runner& runner(Part part) { return runners_[static_cast<std::size_t>(part)]; }
    void report_left_out();
    using Ensure = std::function<Result<adapters::nats::Ensured>()>;
    void ensure_bucket(const char* name, const Ensure& ensure, const std::stop_token& stop);
    void ensure_buckets(const std::stop_token& stop);
    void deregister();
    [[nodiscard]] NodeEnd wait_for_end(const std::stop_token& stop);

    const config::Config& config_;
    reconcilers::ports::Warden& warden_;
    reconcilers::ports::Events& events_;
    StoreGate& gate_;
    adapters::linux_host::Clock clock_;
    adapters::linux_host::Random random_;
    adapters::linux_host::Files files_;
    model::WallTime started_;

    Connections connections_;
    adapters::nats::KvStore election_;
    adapters::nats::KvStore state_;
    adapters::nats::KvStore spec_;
    adapters::nats::LogStore log_;
    adapters::nats::KvStore services_;
    adapters::nats::KvFeed services_feed_;
    adapters::json::KvLeaseStore lease_;
    adapters::json::KvClusterStore cluster_;
    adapters::json::KvServiceStore service_store_;
    std::unique_ptr<reconcilers::ports::Database> database_;
    std::unique_ptr<adapters::netlink::Addresses> addresses_;  // null: there are none
    BackendOfKind backend_;
    adapters::http::HttpProbe probe_;
    adapters::http::ServiceChecks checks_;

    SharedBoard board_;
    WakeUp main_;
    reconcilers::Node node_;
    std::array<Runner, reconcilers::all_parts.size()> runners_;
};

NodeProcess::NodeProcess(const config::Config& config,
                         const model::Host& host,
                         reconcilers::ports::Warden& warden,
                         reconcilers::ports::Events& events,
                         StoreGate& gate,
                         Connections connections)
    : config_{config},
      warden_{warden},
      events_{events},
      gate_{gate},
      started_{clock_.wall()},
      connections_{std::move(connections)},
      election_{connections_.role,
                {.bucket = model::store_names(config.cluster_id).election,
                 .replicas = config.nats.replicas,
                 .remove_age = true}},
      state_{connections_.control,
             {.bucket = model::store_names(config.cluster_id).state,
              .replicas = config.nats.replicas}},
      spec_{
          connections_.control,
          {.bucket = model::store_names(config.cluster_id).spec, .replicas = config.nats.replicas}},
      log_{connections_.log,
           {.bucket = model::store_names(config.cluster_id).wal, .replicas = config.nats.replicas}},
      services_{connections_.registry,
                {.bucket = model::store_names(config.cluster_id).services,
                 .replicas = config.nats.replicas,
                 .key_alone = true}},
      services_feed_{connections_.registry,
                     model::store_names(config.cluster_id).services,
                     model::largest_service_record},
      lease_{election_},
      cluster_{state_, spec_},
      service_store_{services_, services_feed_},
      database_{adapters::sqlite::make_database(config.backend.data_path, {})},
      addresses_{make_addresses(config, clock_)},
      backend_{config.backend, warden, clock_},
      node_{node_settings(config, host, new_incarnation(random_)),
            {.lease = lease_,
             .cluster = cluster_,
             .log = log_,
             .store_check = gate_,
             .files = files_,
             .database = *database_,
             .backend = backend_.port(),
             .probe = probe_,
             .warden = warden,
             .clock = clock_,
             .random = random_,
             .events = events,
             .registry = reconcilers::RegistryPorts{.store = service_store_, .checks = checks_},
             .addresses = addresses_.get()},
            board_,
            [this](Part part, bool hinted) { wake(part, hinted); }},
      runners_{Runner{clock_},
               Runner{clock_},
               Runner{clock_},
               Runner{clock_},
               Runner{clock_},
               Runner{clock_}} {}

void NodeProcess::wake(Part part, bool hinted) {
    if (hinted) {
        runner(part).hint();
        return;
    }
    runner(part).wake();
    main_.wake();  // the board or the warden changed
}

/// Creates an absent bucket; until then, calls on it are unavailable. Retries until it succeeds.
void NodeProcess::ensure_bucket(const char* name,
                                const Ensure& ensure,
                                const std::stop_token& stop) {
    std::string last;
    const auto patient_until = clock_.now() + patience;
    while (!stop.stop_requested()) {
        auto done = ensure();
        if (done) {
            if (done->created) events_.info("bucket.created", {{"bucket", name}});
            if (done->age_removed) events_.warning("bucket.age_removed", {{"bucket", name}});
            return;
        }
        const bool refused = done.error().code == Errc::invalid;
        const bool patient = !refused && clock_.now() < patient_until;
        if (done.error().message != last && !patient) {
            last = done.error().message;
            events_.emit(
                refused ? reconcilers::ports::Level::error : reconcilers::ports::Level::info,
                "bucket.awaited",
                {{"bucket", name}, {"error", last}});
        }
        adapters::sync::sleep_for(patient ? short_retry_interval : retry_interval, stop);
    }
}

/// The first bucket tells the other connections which store to look for (L12).
void NodeProcess::ensure_buckets(const std::stop_token& stop) {
    const std::array<std::pair<const char*, Ensure>, 4> all{
        {{"election", [this] { return election_.ensure(); }},
         {"state", [this] { return state_.ensure(); }},
         {"spec", [this] { return spec_.ensure(); }},
         {"wal", [this] { return log_.ensure(); }}}};
    for (const auto& [name, ensure] : all) {
        ensure_bucket(name, ensure, stop);
        while (!stop.stop_requested() && !gate_.view().identity.any_stream()) {
            gate_.read_again(*connections_.role);
            if (!gate_.view().identity.any_stream())
                adapters::sync::sleep_for(retry_interval, stop);
        }
    }
    for (const auto part : {Part::role, Part::replica, Part::membership})
        runner(part).hint();
    // All of them exist; their leaders report the creation times that identify the store.
    for (;;) {
        gate_.read_again(*connections_.role);
        if (stop.stop_requested() || gate_.view().identity.every_stream()) break;
        adapters::sync::sleep_for(patience, stop);
    }
}

/// A service without an address is nowhere to be found.
void NodeProcess::report_left_out() {
    const auto registered = service_settings(config_, outside_address(config_));
    for (const auto& service : config_.services) {
        if (std::none_of(registered.begin(), registered.end(), [&](const auto& each) {
                return each.name == service.name;
            }))
            events_.warning("service.left_out", {{"service", service.name}});
    }
}

NodeEnd NodeProcess::run(const EndpointStarter& endpoints, const std::stop_token& stop) {
    report_left_out();
    node_.connect();
    const auto shown = endpoints(board_);
    Stepdown stepdown{config_.node_id, config_.allow_remote_stepdown, board_, cluster_, clock_};
    const adapters::nats::MicroService micro{connections_.control,
                                             micro_options(config_, started_, board_, stepdown)};
    const adapters::nats::MicroService go_cluster{
        connections_.control, go_cluster_options(config_, started_, board_, stepdown)};
    for (const auto part : reconcilers::all_parts) {
        if (part == Part::vip && !addresses_) continue;
        runner(part).start([this, part](bool hinted) {
            const auto wake_at = node_.step(part, hinted);
            board_.turned(part, clock_.now());
            return wake_at;
        });
    }
    backend_.on_change([this] { runner(Part::backend).wake(); });
    gate_.on_change([this] {
        // These publish whether this node may lead, and its status.
        for (const auto part : {Part::role, Part::membership})
            runner(part).wake();
    });
    std::jthread buckets{[this](const std::stop_token& end) { ensure_buckets(end); }};
    // Nothing else waits for it.
    std::jthread services{[this](const std::stop_token& end) {
        ensure_bucket(
            "services", [this] { return services_.ensure(); }, end);
        runner(Part::registry).hint();
    }};

    const auto end = wait_for_end(stop);
    // No wake-ups from here on; threads end before what they use.
    node_.disconnect();
    gate_.on_change({});
    backend_.on_change({});
    buckets.request_stop();
    services.request_stop();
    runner(Part::registry).stop();
    if (end == NodeEnd::stopped) deregister();
    // The role ends last, so that the lease is released or fenced whatever the others are doing.
    for (auto part = reconcilers::all_parts.rbegin(); part != reconcilers::all_parts.rend(); ++part)
        runner(*part).stop();
    return end;
}

/// At a clean stop no entry stays; a follower may end before its registry has seen that it does.
void NodeProcess::deregister() {
    const auto until = clock_.now() + patience;
    for (;;) {
        (void)node_.step(Part::registry, false);
        const auto& view = board_.board().registry;
        if (!view.read || view.own == 0 || clock_.now() >= until) return;
        adapters::sync::sleep_for(short_retry_interval, {});
    }
}

NodeEnd NodeProcess::wait_for_end(const std::stop_token& stop) {
    bool stopping = false;
    const std::stop_callback stopped{stop, [this] { main_.wake(); }};
    for (;;) {
        main_.wait(longest_wait);
        const auto board = board_.board();
        if (warden_.view().lost) return NodeEnd::warden_lost;
        if (!board.membership.refused.empty() && !board.role.holds()) return NodeEnd::id_refused;
        if (stop.stop_requested() && !std::exchange(stopping, true)) {
            events_.info("daemon.stopping");
            node_.shut_down();
        }
        if (board.role.finished) return NodeEnd::stopped;
    }
}

}  // namespace

Result<NodeEnd> run_node(const config::Config& config,
                         reconcilers::ports::Warden& warden,
                         reconcilers::ports::Events& events,
                         const EndpointStarter& endpoints,
                         const std::stop_token& stop) {
    auto host = adapters::linux_host::host();
    if (!host) return std::move(host).error();
    adapters::linux_host::Files files;
    StoreGate gate{config, reconcilers::replica::remembered_log(files, config.state_dir)};
    auto role = connect(config, reconcilers::StoreUse::role, gate, events);
    if (!role) return std::move(role).error();
    auto control = connect(config, reconcilers::StoreUse::control, gate, events);
    if (!control) return std::move(control).error();
    auto log = connect(config, reconcilers::StoreUse::log, gate, events);
    if (!log) return std::move(log).error();
    auto registry = connect(config, reconcilers::StoreUse::registry, gate, events);
    if (!registry) return std::move(registry).error();
    gate.start({*role, *control, *log, *registry});
    NodeProcess process{config,
                        *host,
                        warden,
                        events,
                        gate,
                        {.role = *role, .control = *control, .log = *log, .registry = *registry}};
    return process.run(endpoints, stop);
}

}  // namespace app
