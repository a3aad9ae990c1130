// The membership reconciler over fake ports.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/membership/membership.h"

namespace reconcilers::membership::membership_world {

using namespace std::chrono_literals;
using model::Errc;
using model::error;
using model::NodeStatus;
using model::Result;
using model::Revision;
using model::Spec;
using ports::SpecEntry;
using ports::StatusEntry;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Phase = RoleView::Phase;
using Switchover = Spec::Switchover;

class FakeStore final : public ports::ClusterStore {
public:
    Result<std::vector<StatusEntry>> nodes() override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        std::vector<StatusEntry> all;
        for (const auto& [id, entry] : entries)
            all.push_back(entry);
        return all;
    }
    Result<std::optional<StatusEntry>> node(const std::string& id) override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        const auto found = entries.find(id);
        if (found == entries.end()) return std::optional<StatusEntry>{};
        return std::optional{found->second};
    }
    Result<Revision> write(const NodeStatus& status, Revision expected) override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        if (!forbidden.empty()) return error(Errc::unknown_outcome, forbidden);
        if (before_write) std::exchange(before_write, nullptr)();
        ++writes;
        const auto found = entries.find(status.node_id);
        const auto present = found == entries.end() ? Revision{} : found->second.revision;
        if (present == expected) put(status);
        if (std::exchange(lose_answer, false)) return error(Errc::unknown_outcome, "no answer");
        if (present != expected) return error(Errc::conflict, "wrong last sequence");
        return Revision{last};
    }
    Result<void> erase(const std::string& id, Revision expected) override {
        const auto found = entries.find(id);
        if (found == entries.end() || found->second.revision != expected) {
            return error(Errc::conflict, "wrong last sequence");
        }
        entries.erase(found);
        ++last;
        return {};
    }
    Result<SpecEntry> spec() override {
        if (unreachable) return error(Errc::unavailable, unreachable_because);
        if (!unreadable.empty()) return error(Errc::corrupt, unreadable);
        if (!spec_forbidden.empty()) return error(Errc::unknown_outcome, spec_forbidden);
        return requests;
    }
    Result<Revision> write(const Spec& spec, Revision expected) override {
        if (before_write) std::exchange(before_write, nullptr)();
        if (requests.revision != expected) return error(Errc::conflict, "wrong last sequence");
        ask(spec);
        return requests.revision;
    }
    void on_change(std::function<void()>) override {}

    void put(const NodeStatus& status) {
        entries[status.node_id] = {.status = status, .revision = {++last}};
    }
    void ask(const Spec& spec) { requests = {.spec = spec, .revision = {++last}}; }
    [[nodiscard]] const NodeStatus& of(const std::string& id) const {
        return entries.at(id).status;
    }

    std::map<std::string, StatusEntry> entries;
    SpecEntry requests;
    std::string forbidden;  // what the server says of a write of a status
    std::string unreadable;
    std::string spec_forbidden;  // what the server says of a read of the spec
    bool unreachable = false;
    std::string unreachable_because = "no server";
    bool lose_answer = false;
    std::function<void()> before_write;
    int writes = 0;  // writes of a status
    std::uint64_t last = 0;
};

class FakeWarden final : public ports::Warden {
public:
    Result<void> set_deadline(model::Instant) override { return {}; }
    Result<void> start_backend(model::WardenEntry) override { return {}; }
    Result<void> stop_backend() override { return {}; }
    Result<void> kill_backend() override { return {}; }
    Result<void> disarm() override { return {}; }
    Result<void> claim(const std::string& incarnation) override {
        claimed.push_back(incarnation);
        if (deaf) return error(Errc::unavailable, "no answer");
        return {};
    }
    ports::WardenView view() override { return shown; }
    void on_change(std::function<void()>) override {}

    ports::WardenView shown;
    std::vector<std::string> claimed;
    bool deaf = false;
};

class FakeClock final : public ports::Clock {
public:
    model::Instant now() const override { return time; }
    model::WallTime wall() const override { return {1'700'000'000'000}; }
    model::Instant time{100s};
};

class FakeEvents final : public ports::Events {
public:
    void emit(ports::Level, std::string_view name, const ports::Fields&) override {
        names.emplace_back(name);
    }
    [[nodiscard]] auto count(std::string_view name) const {
        return std::count(names.begin(), names.end(), name);
    }
    std::vector<std::string> names;
};

inline const model::Host here{.machine_id = "m1", .boot_id = "b1"};
inline const model::Host elsewhere{.machine_id = "m2", .boot_id = "b2"};

class Membership : public testing::Test {
protected:
    Membership() {
        board.role.phase = Phase::follower;
        board.backend.output.off = true;
        board.replica.state = "following";
    }
    MembershipView step() {
        const auto pass = membership.step(board);
        wake_at = pass.wake_at;
        status = pass.status;
        return pass.view;
    }
    MembershipView step_after(model::Duration time) {
        clock.time += time;
        return step();
    }
    /// Makes this node serve under the newest lease.
    void lead() {
        board.role.phase = Phase::holder;
        board.role.lease = model::Lease{.epoch = {4}, .valid_until = clock.time + 10s};
        board.replica.promoted = {4};
        board.backend.ready = true;
        board.backend.output.off = false;
    }
    static NodeStatus other(const std::string& incarnation) {
        return {.node_id = "n1",
                .api_url = "http://10.0.0.9:8080",
                .incarnation = incarnation,
                .host = elsewhere};
    }

    FakeStore store;
    FakeWarden warden;
    FakeClock clock;
    FakeEvents events;
    Board board;
    model::Instant wake_at{};
    NodeStatus status;
    MembershipReconciler membership{
        {.node_id = "n1",
         .cluster_id = "prod",
         .host = here,
         .incarnation = "inc",
         .version = "1",
         .addresses = {"10.0.0.1"},
         .api_url = "http://10.0.0.1:8080",
         .heartbeat = 3s},
        {.store = store, .warden = warden, .clock = clock, .events = events}};
};

}  // namespace reconcilers::membership::membership_world
