#include "app/node.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "adapters/http/http_probe.h"
#include "adapters/json/records.h"
#include "adapters/linux/clock.h"
#include "adapters/linux/files.h"
#include "adapters/linux/host.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/nats/micro.h"
#include "adapters/process/process_backend.h"
#include "adapters/sqlite/database.h"
#include "app/micro_status.h"
#include "app/nats_options.h"
#include "app/runner.h"
#include "app/stores.h"
#include "app/version.h"
#include "reconcilers/backend/backend.h"
#include "reconcilers/membership/membership.h"
#include "reconcilers/replica/replica.h"
#include "reconcilers/role/role.h"

namespace app {
namespace {

using model::Errc;
using model::Result;
using std::chrono::milliseconds;

constexpr milliseconds longest_look{1000};  // of the main thread; everything it waits for wakes it

/// Twelve characters that no other process has.
std::string new_incarnation(reconcilers::ports::Random& random) {
    constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::string text;
    for (int i = 0; i < 12; ++i)
        text += digits[random.below(digits.size())];
    return text;
}

Result<std::shared_ptr<adapters::nats::Connection>> connect(const model::Config& config,
                                                            const std::string& purpose,
                                                            reconcilers::ports::Events& events) {
    auto options = nats_options(config, purpose);
    if (!options) return std::move(options).error();
    return adapters::nats::Connection::open(
        std::move(*options), [&events, purpose](const adapters::nats::ConnectionEvent& event) {
            if (event.connected) {
                events.info("nats.connected", {{"connection", purpose}, {"server", event.server}});
            } else {
                events.warning("nats.disconnected",
                               {{"connection", purpose}, {"reason", event.reason}});
            }
        });
}

/// Everything of a node process, in the order of construction; the threads come last and end first.
class Node {
public:
    Node(const model::Config& config,
         model::Host host,
         reconcilers::ports::Warden& warden,
         reconcilers::ports::Events& events,
         std::shared_ptr<adapters::nats::Connection> role_connection,
         const std::shared_ptr<adapters::nats::Connection>& control_connection,
         std::shared_ptr<adapters::nats::Connection> log_connection);

    NodeEnd run(const FacesStarter& faces, const std::stop_token& stop);

private:
    void ensure_buckets(const std::stop_token& stop);
    [[nodiscard]] reconcilers::membership::Settings membership_settings() const;

    const model::Config& config_;
    reconcilers::ports::Warden& warden_;
    reconcilers::ports::Events& events_;
    adapters::linux_host::Clock clock_;
    adapters::linux_host::Random random_;
    adapters::linux_host::Files files_;
    model::Host host_;
    std::string incarnation_;
    model::WallTime started_;

    std::shared_ptr<adapters::nats::Connection> control_connection_;
    adapters::nats::KvStore election_;
    adapters::nats::KvStore state_;
    adapters::nats::KvStore spec_;
    adapters::nats::LogStore log_;
    LeaseKv lease_;
    ClusterKv cluster_;
    std::unique_ptr<reconcilers::ports::Database> database_;
    adapters::process::ProcessBackend backend_;
    adapters::http::HttpProbe probe_;

    SharedBoard board_;
    WakeUp main_;
    Runner role_runner_{clock_};
    Runner replica_runner_{clock_};
    Runner backend_runner_{clock_};
    Runner membership_runner_{clock_};

    reconcilers::role::RoleReconciler role_;
    reconcilers::replica::ReplicaReconciler replica_;
    reconcilers::backend::BackendReconciler backend_reconciler_;
    reconcilers::membership::MembershipReconciler membership_;
};

reconcilers::ports::SpawnSpec spawn_spec(const model::ProcessConfig& process) {
    return {.command = process.command,
            .dir = process.dir,
            .env = process.env,
            .user = process.user,
            .group = process.group,
            .limits = process.limits};
}

Node::Node(const model::Config& config,
           model::Host host,
           reconcilers::ports::Warden& warden,
           reconcilers::ports::Events& events,
           std::shared_ptr<adapters::nats::Connection> role_connection,
           const std::shared_ptr<adapters::nats::Connection>& control_connection,
           std::shared_ptr<adapters::nats::Connection> log_connection)
    : config_{config},
      warden_{warden},
      events_{events},
      host_{std::move(host)},
      incarnation_{new_incarnation(random_)},
      started_{clock_.wall()},
      control_connection_{control_connection},
      election_{std::move(role_connection),
                {.bucket = "convex-" + config.cluster_id + "-election",
                 .replicas = config.nats.replicas,
                 .remove_age = true}},
      state_{
          control_connection,
          {.bucket = "convex-" + config.cluster_id + "-state", .replicas = config.nats.replicas}},
      spec_{control_connection,
            {.bucket = "convex-" + config.cluster_id + "-spec", .replicas = config.nats.replicas}},
      log_{std::move(log_connection),
           {.bucket = "convex-" + config.cluster_id + "-wal", .replicas = config.nats.replicas}},
      lease_{election_},
      cluster_{state_, spec_},
      database_{adapters::sqlite::make_database(config.backend.data_path, {})},
      backend_{warden, spawn_spec(config.backend.process)},
      role_{{.node_id = config.node_id,
             .host = host_,
             .timing = config.election.timing,
             .nofailover = config.election.nofailover,
             .priority = config.election.priority},
            incarnation_,
            {.store = lease_,
             .warden = warden,
             .clock = clock_,
             .random = random_,
             .events = events}},
      replica_{{.node_id = config.node_id,
                .paths = {.data = config.backend.data_path,
                          .replica = config.wal.replica_path,
                          .state = config.state_dir},
                .boot_id = host_.boot_id,
                .ttl = config.election.timing.ttl,
                .snapshot_interval = config.wal.snapshot_interval},
               {.store = log_,
                .files = files_,
                .database = *database_,
                .clock = clock_,
                .events = events}},
      backend_reconciler_{
          {.health_url = config.backend.health_endpoint,
           .health_interval = config.backend.health_interval,
           .health_timeout = config.backend.health_timeout,
           .start_timeout = config.backend.start_timeout,
           .stop_timeout = config.backend.stop_timeout},
          {.backend = backend_, .probe = probe_, .clock = clock_, .events = events}},
      membership_{membership_settings(),
                  {.store = cluster_, .warden = warden, .clock = clock_, .events = events}} {}

reconcilers::membership::Settings Node::membership_settings() const {
    auto address = config_.advertise;
    if (address.empty()) address = address_towards(config_.nats.servers);
    return {.node_id = config_.node_id,
            .cluster_id = config_.cluster_id,
            .host = host_,
            .incarnation = incarnation_,
            .version = std::string{version},
            .addresses = address.empty() ? std::vector<std::string>{} : std::vector{address},
            .api_url = address.empty() ? std::string{}
                                       : "http://" + model::to_text({.host = address,
                                                                     .port = config_.api.port}),
            .heartbeat = config_.election.timing.heartbeat,
            .priority = config_.election.priority,
            .nofailover = config_.election.nofailover};
}

/// Makes the buckets that are absent; until then their calls answer unavailable. Tries until it
/// worked.
void Node::ensure_buckets(const std::stop_token& stop) {
    const std::array<std::pair<const char*, std::function<Result<adapters::nats::Ensured>()>>, 4>
        all{{{"election", [this] { return election_.ensure(); }},
             {"state", [this] { return state_.ensure(); }},
             {"spec", [this] { return spec_.ensure(); }},
             {"wal", [this] { return log_.ensure(); }}}};
    std::string last;
    for (const auto& [name, ensure] : all) {
        while (!stop.stop_requested()) {
            auto done = ensure();
            if (done) {
                if (done->made) events_.info("bucket.made", {{"bucket", name}});
                if (done->age_removed) events_.warning("bucket.age_removed", {{"bucket", name}});
                break;
            }
            if (done.error().message != last) {
                last = done.error().message;
                events_.emit(done.error().code == Errc::invalid ? reconcilers::ports::Level::error
                                                                : reconcilers::ports::Level::info,
                             "bucket.awaited",
                             {{"bucket", name}, {"error", last}});
            }
            std::this_thread::sleep_for(milliseconds{250});
        }
    }
    role_runner_.hint();
    replica_runner_.hint();
    membership_runner_.hint();
}

NodeEnd Node::run(const FacesStarter& faces, const std::stop_token& stop) {
    board_.subscribe([this] {
        role_runner_.wake();
        replica_runner_.wake();
        backend_runner_.wake();
        membership_runner_.wake();
        main_.wake();
    });
    lease_.on_change([this] { role_runner_.hint(); });
    log_.on_change([this] { replica_runner_.hint(); });
    cluster_.on_change([this] { membership_runner_.hint(); });
    database_->on_change([this] { replica_runner_.hint(); });
    warden_.on_change([this] {
        role_runner_.wake();
        backend_runner_.wake();
        main_.wake();
    });
    const auto shown = faces(board_);
    const adapters::nats::MicroService micro{
        control_connection_,
        {.cluster_id = config_.cluster_id,
         .node_id = config_.node_id,
         .started = started_,
         .endpoints = {adapters::nats::status_endpoint(config_.cluster_id, config_.node_id, [this] {
             return micro_status(board_.status());
         })}}};

    role_runner_.start([this](bool hinted) {
        const auto pass = role_.step(board_.read(), hinted);
        board_.turned("role", clock_.now());
        board_.write(pass.view);
        return pass.wake_at;
    });
    replica_runner_.start([this](bool) {
        const auto pass = replica_.step(board_.read());
        board_.turned("replica", clock_.now());
        board_.write(pass.view);
        return pass.wake_at;
    });
    backend_runner_.start([this](bool) {
        const auto pass = backend_reconciler_.step(board_.read());
        board_.turned("backend", clock_.now());
        board_.write(pass.view);
        return pass.wake_at;
    });
    membership_runner_.start([this](bool) {
        const auto pass = membership_.step(board_.read());
        board_.turned("membership", clock_.now());
        board_.write(pass.view, pass.status);
        return pass.wake_at;
    });
    std::jthread buckets{[this](const std::stop_token& end) { ensure_buckets(end); }};

    auto end = NodeEnd::stopped;
    bool told = false;
    const std::stop_callback stopped{stop, [this] { main_.wake(); }};
    for (;;) {
        main_.wait(longest_look);
        const auto board = board_.read();
        if (warden_.view().lost) {
            end = NodeEnd::warden_lost;
            break;
        }
        if (!board.membership.refused.empty() && !board.role.holds()) {
            end = NodeEnd::id_refused;
            break;
        }
        if (stop.stop_requested() && !std::exchange(told, true)) {
            events_.info("daemon.stopping");
            board_.shut_down();
        }
        if (board.role.finished) break;
    }
    // Nobody is to be woken from here on; the threads end before what they use.
    lease_.on_change([] {});
    log_.on_change([] {});
    cluster_.on_change([] {});
    database_->on_change([] {});
    warden_.on_change({});
    buckets.request_stop();
    membership_runner_.stop();
    backend_runner_.stop();
    replica_runner_.stop();
    role_runner_.stop();
    return end;
}

}  // namespace

Result<NodeEnd> run_node(const model::Config& config,
                         reconcilers::ports::Warden& warden,
                         reconcilers::ports::Events& events,
                         const FacesStarter& faces,
                         const std::stop_token& stop) {
    auto host = adapters::linux_host::host();
    if (!host) return std::move(host).error();
    auto role = connect(config, "role", events);
    if (!role) return std::move(role).error();
    auto control = connect(config, "control", events);
    if (!control) return std::move(control).error();
    auto log = connect(config, "log", events);
    if (!log) return std::move(log).error();
    Node node{config, *host, warden, events, *role, *control, *log};
    return node.run(faces, stop);
}

}  // namespace app
