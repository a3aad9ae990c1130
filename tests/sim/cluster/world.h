// A cluster in one thread: machines, the store, an application that writes wherever a backend
// serves, and the invariants of docs/protocol.md, checked after every event. One seed determines a
// run.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/cluster/log_check.h"
#include "tests/sim/cluster/machine.h"

namespace sim {

struct WorldSettings {
    std::uint64_t seed = 1;
    int machines = 2;
    model::LeaseTiming timing{.ttl = std::chrono::seconds{10},
                              .heartbeat = std::chrono::seconds{3},
                              .margin = std::chrono::seconds{2},
                              .cooldown = std::chrono::seconds{5}};
    model::Duration snapshot_interval = std::chrono::seconds{60};
    Mutation mutation = Mutation::none;
    bool drift = true;
    std::set<std::string> nofailover;  // nodes with nofailover set
    bool vip = false;                  // there is a virtual address
};

/// An event logged by a reconciler or a warden.
struct Event {
    reconcilers::ports::Level level = reconcilers::ports::Level::info;
    std::string node;
    std::string name;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string line;  // "n1 lease.taken epoch=1"
};

class World {
public:
    explicit World(const WorldSettings& settings);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Both functions end at once on a violation.
    void run_for(model::Duration time);
    /// False: not true within the time.
    bool run_until(const std::function<bool()>& so, model::Duration within);
    [[nodiscard]] model::Duration now() const { return schedule_.now(); }
    void after(model::Duration delay, std::function<void()> what) {
        schedule_.after(delay, std::move(what));
    }

    [[nodiscard]] Machine& machine(std::size_t index) { return *machines_.at(index); }
    [[nodiscard]] std::size_t size() const { return machines_.size(); }
    [[nodiscard]] SimServer& server() { return server_; }
    /// A stand-alone server that is not in any machine's configuration yet.
    [[nodiscard]] SimServer& other_server() { return other_server_; }
    [[nodiscard]] SimRandom& random() { return random_; }
    void boot_all();

    void write_rows(bool on) { writing_ = on; }
    /// Writes one row wherever a backend serves.
    void write_now();
    /// Requests a switchover as an operator does; empty: to any other node.
    void request_switchover(const std::string& to);
    /// Changes the requests in the spec bucket as an operator does.
    void change_spec(const std::function<void(model::Spec&)>& change);
    /// The store loses the last message of a stream ("OBJ_wal", "KV_election").
    void lose_last(const std::string& stream);

    /// The primary: it leads, its data is promoted, its backend is healthy. Null: there is none.
    [[nodiscard]] Machine* primary();
    /// All commits of the primary are in the log and in every replica, byte for byte.
    [[nodiscard]] bool converged();
    /// The state of the cluster, for messages.
    [[nodiscard]] std::string describe();

    [[nodiscard]] const LogCheck& log() const { return log_; }
    /// The lease record in the store; empty: there is none, or it is not readable.
    [[nodiscard]] std::optional<model::LeaseRecord> lease();
    [[nodiscard]] std::uint64_t committed() const { return committed_; }
    [[nodiscard]] bool alarmed() const { return !alarm_.empty(); }
    /// The first violation, with seed and last events; "" none.
    [[nodiscard]] std::string violation() const;
    /// Number of events and faults so far whose text contains `text`.
    [[nodiscard]] int count(const std::string& text) const;
    /// All events so far, in order.
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    /// Reports a violation that the test found.
    void fail(const std::string& what) { violate(what); }

private:
    void trace(const std::string& line);
    void note_event(const std::string& node,
                    reconcilers::ports::Level level,
                    std::string_view name,
                    const reconcilers::ports::Fields& fields);
    void violate(const std::string& what);
    void check();
    void check_addresses();
    void check_promotions();
    void check_release(const Machine& machine, const model::LeaseRecord& record);
    void keep_writing();

    WorldSettings settings_;
    SimRandom random_;
    Schedule schedule_;
    SimServer server_;
    SimServer other_server_;
    LogCheck log_;
    std::vector<std::unique_ptr<Machine>> machines_;

    bool writing_ = true;
    std::uint64_t next_row_ = 0;
    std::uint64_t committed_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t log_seen_ = 0;
    std::map<std::uint64_t, std::string> promoted_;  // I2: epoch -> node
    std::map<std::string, std::uint64_t> last_promoted_;
    bool database_created_ = false;
    bool alarm_allowed_ = false;
    std::string alarm_;
    std::string violation_;
    std::deque<std::string> trace_;
    std::vector<Event> events_;
};

}  // namespace sim
