// A cluster in one thread: machines, the store, an application that writes wherever it is served,
// and the invariants of docs/protocol.md, looked at after every event. One seed, one run.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
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
};

class World {
public:
    explicit World(WorldSettings settings);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Both end at once at a violation.
    void run_for(model::Duration time);
    /// False: it was not so within the time.
    bool run_until(const std::function<bool()>& so, model::Duration within);
    [[nodiscard]] model::Duration now() const { return schedule_.now(); }
    void after(model::Duration delay, std::function<void()> what) {
        schedule_.after(delay, std::move(what));
    }

    [[nodiscard]] Machine& machine(std::size_t index) { return *machines_.at(index); }
    [[nodiscard]] std::size_t size() const { return machines_.size(); }
    [[nodiscard]] SimServer& server() { return server_; }
    [[nodiscard]] SimRandom& random() { return random_; }
    void boot_all();

    void write_rows(bool on) { writing_ = on; }
    /// Writes one row wherever a backend serves.
    void write_now();
    /// Asks as an operator does; empty: to any other.
    void wish_switchover(const std::string& to);
    /// The store forgets the last message of a stream ("OBJ_wal", "KV_election").
    void lose_last(const std::string& stream);

    /// The machine that is primary: it leads, its data is promoted, its backend is healthy.
    [[nodiscard]] Machine* primary();
    /// The primary's every commit is in the log and in every replica, byte for byte.
    [[nodiscard]] bool converged();
    /// Why not, for people.
    [[nodiscard]] std::string standing();

    [[nodiscard]] const LogCheck& log() const { return log_; }
    [[nodiscard]] std::uint64_t committed() const { return committed_; }
    [[nodiscard]] bool alarmed() const { return !alarm_.empty(); }
    /// The first violation, with the seed and the last events; "" none.
    [[nodiscard]] std::string violation() const;
    /// Events and faults so far that have the text in them.
    [[nodiscard]] int count(const std::string& text) const;
    /// Events by name and node, in order, for stories: "n1 lease.taken epoch=1".
    [[nodiscard]] const std::vector<std::string>& events() const { return events_; }
    /// The test found one itself.
    void fail(const std::string& what) { violate(what); }

private:
    void trace(const std::string& line);
    void violate(const std::string& what);
    void check();
    void check_promotions();
    void check_release(const Machine& machine, const model::LeaseRecord& record);
    void keep_writing();

    WorldSettings settings_;
    SimRandom random_;
    Schedule schedule_;
    SimServer server_;
    LogCheck log_;
    std::vector<std::unique_ptr<Machine>> machines_;

    bool writing_ = true;
    std::uint64_t next_row_ = 0;
    std::uint64_t committed_ = 0;
    std::uint64_t wishes_ = 0;
    std::uint64_t log_seen_ = 0;
    std::map<std::uint64_t, std::string> promoted_;  // I2: epoch -> node
    std::map<std::string, std::uint64_t> last_promoted_;
    bool database_made_ = false;
    bool alarm_allowed_ = false;
    std::string alarm_;
    std::string violation_;
    std::deque<std::string> trace_;
    std::vector<std::string> events_;
};

}  // namespace sim
