// A cluster in memory for the verbs, with what happens to it while one of them waits.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.h"
#include "cli/world.h"
#include "config/config.h"
#include "model/lease.h"
#include "model/status.h"

namespace cli {

using namespace std::chrono_literals;
using model::Errc;
using model::Result;
using model::Revision;
using reconcilers::ports::LeaseEntry;
using reconcilers::ports::SpecEntry;
using reconcilers::ports::StatusEntry;

/// The cluster's records in memory, and what a test does to them while a verb waits.
class Cluster : public reconcilers::ports::ClusterStore, public reconcilers::ports::LeaseStore {
public:
    Result<std::vector<StatusEntry>> nodes() override {
        if (down) return model::error(Errc::unavailable, "no NATS server answers");
        std::vector<StatusEntry> all;
        for (const auto& [id, entry] : nodes_)
            all.push_back(entry);
        return all;
    }
    Result<std::optional<StatusEntry>> node(const std::string& id) override {
        const auto found = nodes_.find(id);
        if (found == nodes_.end()) return std::optional<StatusEntry>{};
        return std::optional{found->second};
    }
    Result<Revision> write(const model::NodeStatus& status, Revision) override {
        nodes_[status.node_id] = {.status = status, .revision = {++revision_}};
        return Revision{revision_};
    }
    Result<void> erase(const std::string& id, Revision expected) override {
        const auto found = nodes_.find(id);
        if (found == nodes_.end() || found->second.revision != expected) {
            return model::error(Errc::conflict, "another revision");
        }
        nodes_.erase(found);
        erased.push_back(id);
        return {};
    }
    Result<SpecEntry> spec() override {
        if (down || spec_down) return model::error(Errc::unavailable, "no NATS server answers");
        return SpecEntry{spec_, {spec_revision_}};
    }
    Result<Revision> write(const model::Spec& spec, Revision expected) override {
        if (before_write) std::exchange(before_write, nullptr)();
        if (expected.value != spec_revision_) return model::error(Errc::conflict, "was changed");
        spec_ = spec;
        spec_revision_ = ++revision_;
        if (after_write) std::exchange(after_write, nullptr)();
        if (lose_answer) {
            lose_answer = false;
            return model::error(Errc::unknown_outcome, "no answer");
        }
        return Revision{spec_revision_};
    }
    Result<LeaseEntry> read() override {
        if (down) return model::error(Errc::unavailable, "no NATS server answers");
        return LeaseEntry{.record = record, .revision = {1}};
    }
    Result<Revision> write(const model::LeaseRecord&, Revision) override {
        ADD_FAILURE() << "the command line never writes the lease";  // defects.md C06, C07, C08
        return model::error(Errc::invalid, "");
    }
    std::uint64_t connection_generation() const override { return 1; }
    void on_change(std::function<void()>) override {}

    void set_spec(const model::Spec& spec) {
        spec_ = spec;
        spec_revision_ = ++revision_;
    }
    model::Spec& stored_spec() { return spec_; }
    model::NodeStatus& status(const std::string& id) { return nodes_[id].status; }
    void add(const model::NodeStatus& status) { static_cast<void>(write(status, {})); }
    void lead(const std::string& id, std::uint64_t epoch) {
        record = model::LeaseRecord{.node_id = id, .nonce = "n", .epoch = {epoch}};
        for (auto& [each, entry] : nodes_) {
            entry.status.role = each == id ? model::Role::primary : model::Role::passive;
            entry.status.epoch = {epoch};
            answer(each, each == id);
        }
    }
    /// Whether the backend of a node answers, as it says.
    void answer(const std::string& id, bool ready, const std::string& why = {}) {
        nodes_[id].status.conditions = {{.type = model::ConditionType::backend_ready,
                                         .status = ready,
                                         .reason = ready ? "Healthy" : "Stopped",
                                         .message = why}};
    }

    std::optional<model::LeaseRecord> record;
    bool down = false;
    bool lose_answer = false;
    bool spec_down = false;
    std::function<void()> before_write;
    std::function<void()> after_write;
    std::vector<std::string> erased;

private:
    std::map<std::string, StatusEntry> nodes_;
    model::Spec spec_;
    std::uint64_t spec_revision_ = 0;
    std::uint64_t revision_ = 0;
};

class TestClock : public reconcilers::ports::Clock {
public:
    model::Instant now() const override { return now_; }
    model::WallTime wall() const override { return {0}; }
    model::Instant now_{};
};

class Verbs : public ::testing::Test {
protected:
    void SetUp() override {
        config_.cluster_id = "prod";
        config_.node_id = "n2";
        config_.wal.replica_path = "/d/replica";
        cluster_.add({.node_id = "n1", .has_database = true, .copy_complete = true});
        cluster_.add({.node_id = "n2", .has_database = true, .copy_complete = true});
        cluster_.lead("n1", 3);
        world_.wait = [this](model::Duration time) {
            clock_.now_ += time;
            if (steps_.empty()) return;
            const auto step = std::move(steps_.front());
            steps_.pop_front();
            step();
        };
        world_.answers = [this](const std::string& node) -> std::optional<model::NodeStatus> {
            if (dead_.contains(node)) return std::nullopt;
            if (const auto found = says_.find(node); found != says_.end()) return found->second;
            const auto stored = cluster_.node(node);
            return *stored ? (*stored)->status : model::NodeStatus{.node_id = node};
        };
        world_.ask = [this](const std::string& question) {
            asked_ += question;
            return typed_;
        };
        world_.new_id = [] { return "request-1"; };
    }

    /// A verb that ends before the test's story does has not waited for what it says it waits for.
    void TearDown() override { EXPECT_TRUE(steps_.empty()) << steps_.size() << " steps were left"; }

    int run(int (*verb)(const Command&, const config::Config&, World&, const Lines&)) {
        out_.clear();
        err_.clear();
        return verb(command_,
                    config_,
                    world_,
                    {[this](std::string_view text) { out_ += text; },
                     [this](std::string_view text) { err_ += text; }});
    }
    void then(std::function<void()> step) { steps_.push_back(std::move(step)); }

    Cluster cluster_;
    TestClock clock_;
    World world_{.cluster = cluster_, .lease = cluster_, .clock = clock_};
    std::deque<std::function<void()>> steps_;
    std::set<std::string> dead_;
    std::map<std::string, model::NodeStatus> says_;  // now, where it is not what was published
    std::optional<std::string> typed_;               // at the terminal; empty: there is none
    std::string asked_;
    config::Config config_;
    Command command_;
    std::string out_;
    std::string err_;
};

}  // namespace cli
