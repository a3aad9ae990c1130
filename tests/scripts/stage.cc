#include "tests/scripts/stage.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "model/duration_text.h"

namespace scripts {
namespace {

using model::Errc;
using model::Result;

/// Fields that harmless changes of the code move, and texts for people.
constexpr std::array<std::string_view, 11> unstable_fields{
    "bytes", "error", "id", "late_ms", "name", "node", "pages", "path", "pid", "ttlMs", "txid"};

/// The filter "usual": leaves out events that repeat what another one says, and each component's
/// own events about an unreachable store.
constexpr std::array usual{"*",
                           "-backend.starting",
                           "-backend.started",
                           "-backend.exited",
                           "-lease.read_again",
                           "-lease.read_failed",
                           "-log.seal_started",
                           "-log.publish_delayed",
                           "-membership.read_failed",
                           "-replica.delayed",
                           "-snapshot.started",
                           "-snapshot.published",
                           "-snapshot.restored"};

bool is_plain(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
    });
}

std::string fields_of(const sim::Event& event) {
    std::string text;
    const auto add = [&text](const std::string& name, const std::string& value) {
        if (!text.empty()) text += ' ';
        text += name + "=" + (is_plain(value) ? value : '"' + value + '"');
    };
    if (event.level == reconcilers::ports::Level::error) add("level", "error");
    for (const auto& [name, value] : event.fields) {
        const bool unstable = std::find(unstable_fields.begin(), unstable_fields.end(), name) !=
                              unstable_fields.end();
        // Details with numbers follow a colon.
        if (!unstable && !value.empty()) add(name, value.substr(0, value.find(": ")));
    }
    return text;
}

/// "I3" of "sequence 7, ltx/0/...: I3: it lacks rows".
std::string invariant_of(const std::string& violation) {
    for (auto at = violation.find('I'); at != std::string::npos; at = violation.find('I', at + 1)) {
        const auto end = violation.find_first_not_of("0123456789", at + 1);
        if (end != std::string::npos && end > at + 1 && violation[end] == ':') {
            return violation.substr(at, end - at);
        }
    }
    return violation.substr(0, violation.find('\n'));
}

std::size_t chunks_read(sim::Machine& machine) {
    std::size_t sum = 0;
    for (const auto* client : machine.clients())
        sum += client->chunks_read();
    return sum;
}

}  // namespace

bool fits(std::string_view name, std::string_view pattern) {
    if (!pattern.ends_with('*')) return name == pattern;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

Filter::Filter(const std::vector<std::string>& patterns) {
    for (const auto& pattern : patterns) {
        if (pattern == "usual") {
            patterns_.insert(patterns_.end(), usual.begin(), usual.end());
        } else {
            patterns_.push_back(pattern);
        }
    }
}

bool Filter::shows(const sim::Event& event) const {
    if (event.level == reconcilers::ports::Level::error) return true;
    bool shown = false;
    for (const std::string_view pattern : patterns_) {
        const bool hides = pattern.starts_with('-');
        if (fits(event.name, pattern.substr(hides ? 1 : 0))) shown = !hides;
    }
    return shown;
}

void Stage::build(const sim::WorldSettings& settings) {
    world_ = std::make_unique<sim::World>(settings);
    rule_taken_away_ = settings.mutation != sim::Mutation::none;
    violation_printed_ = false;
    noted_ = 0;
    committed_before_ = 0;
    visible_before_ = {};
    fetched_before_.clear();
}

sim::Machine* Stage::find(std::string_view node) {
    if (!built()) return nullptr;
    if (node == "leader") return world_->primary();
    for (std::size_t i = 0; i < world_->size(); ++i) {
        if (world_->machine(i).id() == node) return &world_->machine(i);
    }
    return nullptr;
}

Result<void> Stage::wait(const std::function<bool()>& so, model::Duration within) {
    if (world_->run_until(so, within)) return {};
    if (!world_->violation().empty()) return {};  // note_events() reports it
    return model::error(Errc::unknown_outcome,
                        "not within " + model::to_text(within) + "\n" + world_->describe());
}

Result<void> Stage::note_events() {
    if (!built()) return {};
    const auto& events = world_->events();
    static const Filter nothing{{}};
    for (; noted_ < events.size(); ++noted_) {
        const auto& event = events[noted_];
        if ((quiet_ ? nothing : filter_).shows(event)) shown_.push_back(event);
    }
    const auto violation = world_->violation();
    if (violation.empty()) return {};
    if (!violation_printed_) print("violation", {"violation", invariant_of(violation)});
    violation_printed_ = true;
    if (rule_taken_away_) return {};
    return model::error(Errc::corrupt, "an invariant is violated: " + violation);
}

void Stage::print(std::string_view kind, std::vector<std::string> cells) {
    flush();
    output_.add(kind, std::move(cells));
}

/// Events are printed by node, each node's in order: which of two nodes was first often depends on
/// chance, and would change with every random draw of the simulator.
void Stage::flush() {
    std::stable_sort(
        shown_.begin(), shown_.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
    for (const auto& event : std::exchange(shown_, {}))
        output_.add("event", {event.node, event.name, fields_of(event)});
}

std::vector<std::string> Stage::output() {
    flush();
    return output_.lines();
}

void Stage::begin_block() {
    output_ = {};
    shown_.clear();
    if (!built()) return;
    committed_before_ = world_->committed();
    visible_before_ = world_->log().visible();
    for (std::size_t i = 0; i < world_->size(); ++i) {
        auto& machine = world_->machine(i);
        fetched_before_[machine.id()] = chunks_read(machine);
    }
}

std::uint64_t Stage::committed() const { return world_->committed() - committed_before_; }

std::uint64_t Stage::shipped() const {
    return world_->log().visible().value - visible_before_.value;
}

std::size_t Stage::fetched(sim::Machine& machine) const {
    const auto before = fetched_before_.find(machine.id());
    return chunks_read(machine) - (before == fetched_before_.end() ? 0 : before->second);
}

int Stage::count(std::string_view pattern) const {
    const auto& events = world_->events();
    return static_cast<int>(std::count_if(events.begin(), events.end(), [&](const auto& event) {
        return fits(event.name, pattern);
    }));
}

}  // namespace scripts
