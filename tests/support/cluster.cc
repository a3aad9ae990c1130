#include "tests/support/cluster.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "adapters/json/records.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/kv_store.h"
#include "model/bytes.h"
#include "model/names.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"
#include "warden/cgroup.h"

namespace test_support {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto poll_interval = 20ms;
constexpr int lines_of_a_log = 30;

std::string last_lines(const std::string& text, int count) {
    auto at = text.size();
    for (int i = 0; i <= count && at != std::string::npos && at > 0; ++i)
        at = text.rfind('\n', at - 1);
    return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

}  // namespace

std::string Snapshot::serving() const {
    if (!lease || lease->state != model::LeaseRecord::State::held) return {};
    const auto found = nodes.find(lease->node_id);
    if (found == nodes.end()) return {};
    const auto& status = found->second;
    const bool serves = status.role == model::Role::primary && status.epoch == lease->epoch &&
                        condition(status.node_id, model::ConditionType::backend_ready);
    return serves ? status.node_id : std::string{};
}

bool Snapshot::condition(const std::string& node, model::ConditionType type) const {
    const auto found = nodes.find(node);
    if (found == nodes.end()) return false;
    const auto& all = found->second.conditions;
    return std::any_of(all.begin(), all.end(), [type](const auto& each) {
        return each.type == type && each.status;
    });
}

/// The test's own connection to the store.
struct Cluster::Store {
    Store(const std::string& url, const std::string& cluster)
        : connection{[&url] {
              auto opened =
                  adapters::nats::Connection::open({.servers = {url}, .name = "system test"});
              if (!opened) throw std::runtime_error{opened.error().message};
              return *opened;
          }()},
          election{connection, {.bucket = model::store_names(cluster).election}},
          state{connection, {.bucket = model::store_names(cluster).state}},
          spec{connection, {.bucket = model::store_names(cluster).spec}} {}

    std::shared_ptr<adapters::nats::Connection> connection;
    adapters::nats::KvStore election;
    adapters::nats::KvStore state;
    adapters::nats::KvStore spec;
};

Cluster::Cluster(ClusterOptions options)
    : options_{std::move(options)},
      // Unique among clusters on one machine; no dots, since it is part of bucket names.
      id_{"t" + directory_.path().substr(directory_.path().rfind('-') + 1)} {
    if (options_.server) start_server();
    for (int node = 1; node <= options_.nodes; ++node) {
        nodes_.push_back(
            {.options = {.node_id = "n" + std::to_string(node)},
             .backend_port = options_.backend_port != 0 ? options_.backend_port : free_port(),
             .api_port = free_port(),
             .metrics_port = free_port()});
        if (options_.each) options_.each(node, nodes_.back().options);
        // Only a cgroup tells exactly whether a backend lives.
        auto cgroup = warden::create_cgroup(cgroup_name(node));
        if (!cgroup) throw std::runtime_error{"no cgroup: " + cgroup.error().message};
        nodes_.back().cgroup = std::move(*cgroup);
    }
    if (!options_.start) return;
    for (int node = 1; node <= options_.nodes; ++node)
        start(node);
}

Cluster::~Cluster() {
    store_.reset();
    // A thrown message already contains the ends of the logs.
    for (int node = 1; node <= size(); ++node) {
        if (::testing::Test::HasFailure()) {
            std::cerr << "---- log of " << name(node) << '\n'
                      << last_lines(log(node), 200) << "----\n";
        }
        try {
            kill_all(node);
        } catch (const std::exception& problem) {
            ADD_FAILURE() << problem.what();
        }
    }
    std::vector<pid_t> left;
    const bool gone = eventually([&] {
        // The configuration of the nats-server is in a directory of its own.
        left = processes_naming(directory());
        return left.empty();
    });
    EXPECT_TRUE(gone) << "still runs: " << (left.empty() ? "" : command_line(left.front()));
    for (const auto pid : left)
        ::kill(pid, SIGKILL);
    for (int node = 1; node <= size(); ++node) {
        const auto& cgroup = at(node).cgroup;
        EXPECT_TRUE(eventually([&] { return ::rmdir(cgroup.c_str()) == 0 || errno == ENOENT; }))
            << cgroup;
    }
}

std::string Cluster::path(int node, const std::string& name) const {
    return directory() + "/" + std::to_string(node) + "/" + name;
}

std::string Cluster::log(int node) const { return read_text(path(node, "log")); }

std::string Cluster::notes_program() { return NOTES_PROGRAM; }

std::vector<std::string> Cluster::daemon(const std::string& config) {
    return {MANAGER_PROGRAM, "daemon", "-c", config};
}

int Cluster::number(const std::string& name) const {
    for (int node = 1; node <= size(); ++node)
        if (at(node).options.node_id == name) return node;
    return 0;
}

std::string Cluster::host(int node) const {
    return options_.net != nullptr ? Net::address(node) : "127.0.0.1";
}

std::vector<Endpoint> Cluster::backend_ports() const {
    std::vector<Endpoint> all;
    for (int node = 1; node <= size(); ++node)
        all.push_back(backend(node));
    return all;
}

void Cluster::start_server() {
    // All addresses of its network namespace, which has no route out.
    server_ = std::make_unique<NatsServer>(options_.net != nullptr ? "host: 0.0.0.0\n" : "");
}

std::string Cluster::cgroup_name(int node) const {
    const auto& given = at(node).options.state_dir;
    return warden::cgroup_name((given.empty() ? path(node, "state") : given) + "/lock");
}

std::string Cluster::write_config(int node) const {
    const auto& [options, backend_port, api_port, metrics_port, pid, cgroup] = at(node);
    const auto address = [&](int port) { return host(node) + ":" + std::to_string(port); };
    auto urls = options.nats_urls;
    if (urls.empty()) {
        urls = {options_.net == nullptr
                    ? server_->url()
                    : "nats://" + Net::client() + ":" + std::to_string(server_->port())};
    }
    auto command = options.command;
    if (command.empty()) {
        const auto listen = options_.backend_port != 0 ? "0.0.0.0:" + std::to_string(backend_port)
                                                       : address(backend_port);
        command = {notes_program(), "--database", data(node), "--listen", listen};
    }
    nlohmann::json config = {
        {"clusterId", id_},
        {"nodeId", options.node_id},
        {"advertise", host(node)},
        {"nats", {{"servers", urls}}},
        {"election",
         {{"leaderTtlMs", options_.ttl_ms},
          {"heartbeatIntervalMs", options_.heartbeat_ms},
          {"priority", options.priority},
          {"nofailover", options.nofailover}}},
        {"stateDir", options.state_dir.empty() ? path(node, "state") : options.state_dir},
        {"wal", {{"replicaPath", replica(node)}}},
        {"backend",
         {{"dataPath", data(node)},
          {"healthEndpoint", "http://" + address(backend_port) + "/version"},
          {"healthIntervalMs", 250},
          {"healthTimeoutMs", 1000},
          {"startTimeoutMs", options.start_timeout_ms},
          {"stopTimeoutMs", options.stop_timeout_ms},
          {"process", {{"command", command}, {"env", options.env}}}}},
        {"api",
         {{"listen", address(api_port)}, {"allowRemoteStepdown", options.allow_remote_stepdown}}},
        {"metrics", {{"listen", address(metrics_port)}}}};
    if (!options.vips.empty()) config["vips"] = nlohmann::json::parse(options.vips);
    if (!options.vip.empty()) config["vip"] = nlohmann::json::parse(options.vip);
    if (!options.services.empty()) config["services"] = nlohmann::json::parse(options.services);
    for (const auto* const directory : {"run", "data", "replica"})
        std::filesystem::create_directories(path(node, directory));
    const auto file = path(node, "cluster.json");
    std::ofstream{file} << config.dump(2) << '\n';
    return file;
}

void Cluster::start(int node) {
    auto& each = at(node);
    if (each.warden != 0) throw std::logic_error{"node " + name(node) + " runs already"};
    const auto config = write_config(node);
    auto command = daemon(config);
    command.insert(command.begin(), each.options.under.begin(), each.options.under.end());
    if (options_.net != nullptr) command = options_.net->on(node, std::move(command));
    each.warden = spawn(command, {"RUNTIME_DIRECTORY=" + path(node, "run")}, path(node, "log"));
    if (each.warden == 0) throw std::runtime_error{"fork"};
}

int Cluster::wait_end(int node, std::chrono::seconds limit) {
    std::optional<int> status;
    wait_until(
        "the end of the daemon of " + name(node),
        [&] {
            status = reap(at(node).warden);
            return status.has_value();
        },
        limit);
    at(node).warden = 0;
    return *status;
}

int Cluster::stop(int node, std::chrono::seconds limit) {
    ::kill(at(node).warden, SIGTERM);
    return wait_end(node, limit);
}

void Cluster::kill_cgroup(int node) const {
    std::ofstream{at(node).cgroup + "/cgroup.kill"} << "1";
}

void Cluster::kill_all(int node) {
    auto& warden = at(node).warden;
    if (warden == 0) {
        kill_cgroup(node);  // the descendants of a backend whose warden was killed alone
        return;
    }
    // Read before the first is killed: the children of a dead process get another parent.
    auto pids = children(warden);
    pids.insert(pids.begin(), warden);
    for (const auto pid : pids)
        ::kill(pid, SIGKILL);
    kill_cgroup(node);
    ::waitpid(warden, nullptr, 0);
    warden = 0;
    wait_until("the death of all of " + name(node), [&] {
        return std::none_of(pids.begin(), pids.end(), lives) && !backend_lives(node);
    });
}

void Cluster::kill_warden(int node) {
    auto& warden = at(node).warden;
    ::kill(warden, SIGKILL);
    ::waitpid(warden, nullptr, 0);
    warden = 0;
}

pid_t Cluster::node_pid(int node) const {
    for (const auto pid : children(at(node).warden)) {
        const auto line = command_line(pid);
        if (line.find(std::string{"\0node\0", 6}) != std::string::npos) return pid;
    }
    return 0;
}

pid_t Cluster::backend_pid(int node) const {
    for (const auto pid : children(at(node).warden)) {
        const auto line = command_line(pid);
        // Between fork and exec the child has the warden's command line.
        if (line.empty() || line.rfind(WARDEN_PROGRAM, 0) == 0) continue;
        if (line.find(std::string{"\0node\0", 6}) == std::string::npos) return pid;
    }
    return 0;
}

bool Cluster::backend_lives(int node) const {
    return read_text(at(node).cgroup + "/cgroup.events").find("populated 1") != std::string::npos;
}

Cluster::Store& Cluster::store() {
    if (!store_) store_ = std::make_unique<Store>(server_->url(), id_);
    return *store_;
}

std::optional<Snapshot> Cluster::poll() {
    Snapshot snapshot;
    const auto lease = store().election.get("leader");
    const auto nodes = store().state.list();
    if (!lease || !nodes) return {};
    if (*lease) {
        auto record = adapters::json::decode_lease(model::to_text((*lease)->value));
        if (record) snapshot.lease = *record;
    }
    for (const auto& entry : *nodes) {
        auto status = adapters::json::decode_status(model::to_text(entry.value), entry.key);
        if (status) snapshot.nodes[status->node_id] = *status;
    }
    return snapshot;
}

void Cluster::wait_until(const std::string& what,
                         const std::function<bool()>& holds,
                         std::chrono::seconds limit) {
    const auto until = Clock::now() + limit;
    while (!holds()) {
        if (Clock::now() >= until) {
            fail("waited " + std::to_string(limit.count()) + " s for: " + what);
        }
        std::this_thread::sleep_for(poll_interval);
    }
}

Snapshot Cluster::wait_for(const std::string& what,
                           const Predicate& predicate,
                           std::chrono::seconds limit) {
    Snapshot seen;
    wait_until(
        what,
        [&] {
            auto snapshot = poll();
            if (!snapshot) return false;
            seen = std::move(*snapshot);
            return predicate(seen);
        },
        limit);
    return seen;
}

int Cluster::wait_serving(std::uint64_t epoch, std::chrono::seconds limit) {
    const auto seen = wait_for(
        "a node that serves in an epoch after " + std::to_string(epoch),
        [epoch](const Snapshot& now) { return now.epoch() > epoch && !now.serving().empty(); },
        limit);
    return number(seen.serving());
}

void Cluster::wait_replicated(std::chrono::seconds limit) {
    // What was committed before this call is captured and published within a heartbeat or two.
    const auto begun =
        wait_for("a node that serves", [](const Snapshot& now) { return !now.serving().empty(); });
    const auto placed = wait_for(
        "the primary to tell where it is",
        [&](const Snapshot& now) {
            const auto serving = now.serving();
            if (serving.empty() || !begun.nodes.contains(serving)) return false;
            const auto& before = begun.nodes.at(serving);
            const auto& after = now.nodes.at(serving);
            return after.incarnation != before.incarnation ||
                   after.uptime_ms >= before.uptime_ms + 2 * options_.heartbeat_ms;
        },
        limit);
    const auto& primary = placed.nodes.at(placed.serving());
    (void)wait_for(
        "every node has what the primary had",
        [&](const Snapshot& now) {
            for (int node = 1; node <= size(); ++node) {
                if (at(node).warden == 0) continue;
                const auto found = now.nodes.find(name(node));
                if (found == now.nodes.end()) return false;
                const auto& status = found->second;
                // The status published by an earlier process of the node does not count.
                const auto before = begun.nodes.find(name(node));
                const bool fresh =
                    before != begun.nodes.end() &&
                    (status.incarnation != before->second.incarnation ||
                     status.uptime_ms >= before->second.uptime_ms + options_.heartbeat_ms);
                if (!fresh || !status.copy_complete) return false;
                if (status.position.tenure != primary.position.tenure ||
                    status.position.txid < primary.position.txid) {
                    return false;
                }
            }
            return true;
        },
        limit);
}

std::string Cluster::request_switchover(int to) {
    static int count = 0;
    const auto id = "request-" + std::to_string(++count);
    wait_until("a written request", [&] {
        auto entry = store().spec.get("spec");
        if (!entry) return false;
        model::Spec spec;
        model::Revision revision;
        if (*entry) {
            auto decoded = adapters::json::decode_spec(model::to_text((*entry)->value));
            if (!decoded) fail(decoded.error().message);
            spec = std::move(*decoded);
            revision = (*entry)->revision;
        }
        spec.switchover = model::Spec::Switchover{.id = id, .to = name(to)};
        return store()
            .spec.update("spec", model::to_bytes(adapters::json::encode(spec)), revision)
            .has_value();
    });
    return id;
}

void Cluster::delete_leader_key() {
    // Without an expected revision, as the old command line tool does.
    wait_until("the deletion of the leader's key", [&] {
        const auto entry = store().election.get("leader");
        if (!entry) return false;
        return !*entry || store().election.erase("leader", (*entry)->revision).has_value();
    });
}

void Cluster::fail(const std::string& what) const {
    std::string text = what;
    for (int node = 1; node <= size(); ++node) {
        text += "\n---- log of " + name(node) + "\n" + last_lines(log(node), lines_of_a_log);
    }
    throw std::runtime_error{text};
}

struct LivenessWatch::State {
    explicit State(const Cluster& watched) : cluster{watched} {}
    const Cluster& cluster;
    std::atomic<int> polls = 0;
    std::atomic<int> doubles = 0;
    std::jthread thread;
};

LivenessWatch::LivenessWatch(const Cluster& cluster) : state_{std::make_unique<State>(cluster)} {
    state_->thread = std::jthread{[state = state_.get()](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            int alive = 0;
            for (int node = 1; node <= state->cluster.size(); ++node)
                if (state->cluster.backend_lives(node)) ++alive;
            if (alive > 1) ++state->doubles;
            ++state->polls;
            std::this_thread::sleep_for(5ms);
        }
    }};
}

LivenessWatch::~LivenessWatch() = default;

int LivenessWatch::stop() {
    state_->thread.request_stop();
    if (state_->thread.joinable()) state_->thread.join();
    return state_->doubles;
}

int LivenessWatch::polls() const { return state_->polls; }

}  // namespace test_support
