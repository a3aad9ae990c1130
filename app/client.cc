#include "app/client.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "adapters/linux/clock.h"
#include "adapters/linux/files.h"
#include "adapters/linux/host.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/nats/micro.h"
#include "adapters/sqlite/database.h"
#include "app/nats_options.h"
#include "reconcilers/replica/replica.h"

namespace app {
namespace {

using model::Errc;
using model::Result;
using std::chrono::milliseconds;

using Shared = std::shared_ptr<adapters::nats::Connection>;

/// Says nothing: a command's own lines are what its user reads.
class Silence final : public reconcilers::ports::Events {
public:
    void emit(reconcilers::ports::Level,
              std::string_view,
              const reconcilers::ports::Fields&) override {}
};

Result<Shared> open_connection(const model::Config& config, model::Duration patience) {
    auto options = nats_options(config, "client");
    if (!options) return std::move(options).error();
    options->timeout = std::chrono::seconds{2};
    auto connection = adapters::nats::Connection::open(std::move(*options));
    if (!connection) return std::move(connection).error();
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!(*connection)->connected()) {
        if (std::chrono::steady_clock::now() >= until) {
            return model::error(Errc::unavailable, "NATS: " + (*connection)->last_reason());
        }
        std::this_thread::sleep_for(milliseconds{5});
    }
    return connection;
}

}  // namespace

struct Client::Parts {
    Parts(Shared shared, const model::Config& config)
        : cluster_id{config.cluster_id},
          connection{std::move(shared)},
          election{connection, {.bucket = "convex-" + config.cluster_id + "-election"}},
          state{connection, {.bucket = "convex-" + config.cluster_id + "-state"}},
          spec{connection, {.bucket = "convex-" + config.cluster_id + "-spec"}},
          lease{election},
          cluster{state, spec} {}

    std::string cluster_id;
    Shared connection;
    adapters::nats::KvStore election;
    adapters::nats::KvStore state;
    adapters::nats::KvStore spec;
    LeaseKv lease;
    ClusterKv cluster;
    WakeUp changed;
};

Client::Client(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {
    parts_->lease.on_change([this] { parts_->changed.wake(); });
    parts_->cluster.on_change([this] { parts_->changed.wake(); });
}

Client::~Client() {
    parts_->lease.on_change([] {});
    parts_->cluster.on_change([] {});
}

Result<std::unique_ptr<Client>> Client::connect(const model::Config& config,
                                                model::Duration patience) {
    auto connection = open_connection(config, patience);
    if (!connection) return std::move(connection).error();
    auto parts = std::make_unique<Parts>(std::move(*connection), config);
    // The CLI may come before any daemon did: it makes what it writes to, like the daemon.
    for (auto* bucket : {&parts->election, &parts->state, &parts->spec}) {
        if (auto made = bucket->ensure(); !made) return std::move(made).error();
    }
    return std::unique_ptr<Client>{new Client{std::move(parts)}};
}

reconcilers::ports::ClusterStore& Client::cluster() { return parts_->cluster; }
reconcilers::ports::LeaseStore& Client::lease() { return parts_->lease; }

bool Client::answers(const std::string& node) {
    const auto subject = "convex." + parts_->cluster_id + ".svc." + node + ".status";
    return parts_->connection->request({.subject = subject, .headers = {}, .payload = {}})
        .has_value();
}

void Client::wait(model::Duration limit) { parts_->changed.wait(limit); }

std::string new_wish_id() {
    adapters::linux_host::Random random;
    std::string id;
    for (int i = 0; i < 16; ++i)
        id += "0123456789abcdef"[random.below(16)];
    return id;
}

Result<bool> bootstrap_copy(const model::Config& config,
                            const std::function<void(const std::string&)>& progress) {
    auto host = adapters::linux_host::host();
    if (!host) return std::move(host).error();
    adapters::linux_host::Files files;
    if (auto made = files.make_folder(config.state_dir); !made) return std::move(made).error();
    // The warden's lock: as long as we hold it no daemon writes the same files.
    const auto lock_path = config.state_dir + "/lock";
    const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        if (lock >= 0) ::close(lock);
        return model::error(
            Errc::invalid,
            lock_path + " is held: the daemon of this node runs, and copies by itself");
    }
    struct Unlock {
        int fd;
        ~Unlock() { ::close(fd); }
    } const unlock{lock};

    auto connection = open_connection(config, std::chrono::seconds{10});
    if (!connection) return std::move(connection).error();
    adapters::nats::LogStore log{*connection, {.bucket = "convex-" + config.cluster_id + "-wal"}};
    if (auto made = log.ensure(); !made) return std::move(made).error();
    adapters::linux_host::Clock clock;
    Silence events;
    const auto database = adapters::sqlite::make_database(config.backend.data_path, {});
    reconcilers::replica::ReplicaReconciler replica{
        {.node_id = config.node_id,
         .paths = {.data = config.backend.data_path,
                   .replica = config.wal.replica_path,
                   .state = config.state_dir},
         .boot_id = host->boot_id,
         .ttl = config.election.timing.ttl,
         .snapshot_interval = config.wal.snapshot_interval},
        {.store = log, .files = files, .database = *database, .clock = clock, .events = events}};

    // What a passive node does, until its copy is whole.
    reconcilers::Board board;
    board.role.phase = reconcilers::RoleView::Phase::follower;
    board.backend.dead = true;
    std::string last;
    auto moved_at = clock.now();
    for (;;) {
        const auto pass = replica.step(board);
        const auto& view = pass.view;
        if (!view.alarm.empty()) return model::error(Errc::corrupt, view.alarm);
        if (view.log_read && view.copy_complete) return true;
        if (view.log_read && !view.has_database && view.state == "following") return false;
        const auto line = view.state == "copying"
                              ? view.message
                              : "read up to TXID " + std::to_string(view.position.txid.value);
        if (line != last) {
            progress(line);
            last = line;
            moved_at = clock.now();
        }
        if (clock.now() - moved_at > std::chrono::seconds{30}) {
            return model::error(
                Errc::unavailable,
                "no progress for 30 s: " + (view.message.empty() ? view.state : view.message));
        }
        const auto pause = pass.wake_at - clock.now();
        if (pause > model::Duration{}) std::this_thread::sleep_for(pause);
    }
}

}  // namespace app
