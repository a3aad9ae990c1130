// The state of a running script: a simulated cluster, and the output.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "tests/scripts/output.h"
#include "tests/sim/cluster/world.h"

namespace scripts {

/// Selects the events to print. Those of level error are always printed.
class Filter {
public:
    /// A pattern is a name, or a prefix followed by `*`; with `-` before it, it excludes. `usual`
    /// is everything except events that repeat others or depend on chance. The last matching
    /// pattern decides; an event that matches none is not printed.
    explicit Filter(const std::vector<std::string>& patterns);
    [[nodiscard]] bool shows(const sim::Event& event) const;

private:
    std::vector<std::string> patterns_;
};

/// Whether the name equals the pattern, or begins with it where it ends with `*`.
[[nodiscard]] bool fits(std::string_view name, std::string_view pattern);

class Stage {
public:
    /// Creates a cluster with all machines off. Events are counted from zero.
    void build(const sim::WorldSettings& settings);
    [[nodiscard]] bool built() const { return world_ != nullptr; }
    /// The cluster; build() must have been called.
    [[nodiscard]] sim::World& world() { return *world_; }
    /// Null: no such node. `leader` is the present primary.
    [[nodiscard]] sim::Machine* find(std::string_view node);

    /// unknown_outcome: not true within the time; the message describes the cluster.
    [[nodiscard]] model::Result<void> wait(const std::function<bool()>& so, model::Duration within);

    void filter(Filter filter) { filter_ = std::move(filter); }
    /// true: from now on, only errors are printed. false: what the filter selects.
    void quiet(bool quiet) { quiet_ = quiet; }

    void print(std::string_view kind, std::vector<std::string> cells);
    /// Collects the events since the last call, to be printed before other output or at the end of
    /// the block; prints a violated invariant.
    ///
    /// corrupt: an invariant was violated although no rule was disabled; the message has the last
    /// events.
    [[nodiscard]] model::Result<void> note_events();

    // Counters of the present block.
    void begin_block();
    [[nodiscard]] std::vector<std::string> output();
    [[nodiscard]] std::uint64_t committed() const;
    [[nodiscard]] std::uint64_t shipped() const;  // files that became visible in the log
    /// Pieces of objects read by the node's processes.
    [[nodiscard]] std::size_t fetched(sim::Machine& machine) const;
    [[nodiscard]] int count(std::string_view pattern) const;

private:
    void flush();

    std::unique_ptr<sim::World> world_;
    bool rule_taken_away_ = false;
    bool violation_printed_ = false;
    Filter filter_{{"usual"}};
    bool quiet_ = false;
    std::size_t noted_ = 0;          // number of events
    std::vector<sim::Event> shown_;  // to be printed
    Output output_;
    std::uint64_t committed_before_ = 0;
    model::Txid visible_before_;
    std::map<std::string, std::size_t> fetched_before_;
};

}  // namespace scripts
