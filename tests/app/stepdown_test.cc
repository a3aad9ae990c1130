#include "app/stepdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "adapters/linux/clock.h"
#include "app/micro_endpoints.h"

namespace app {
namespace {

using model::Errc;
using model::Result;
using model::Revision;
using ::testing::HasSubstr;

class Store final : public reconcilers::ports::ClusterStore {
public:
    Result<std::vector<reconcilers::ports::StatusEntry>> nodes() override { return away(); }
    Result<std::optional<reconcilers::ports::StatusEntry>> node(const std::string&) override {
        return away();
    }
    Result<Revision> write(const model::NodeStatus&, Revision) override { return away(); }
    Result<void> erase(const std::string&, Revision) override { return away(); }
    Result<reconcilers::ports::SpecEntry> spec() override {
        return reconcilers::ports::SpecEntry{spec_, {1}};
    }
    Result<Revision> write(const model::Spec& spec, Revision) override {
        spec_ = spec;
        return Revision{2};
    }
    void on_change(std::function<void()>) override {}

    model::Spec spec_;

private:
    static model::Error away() { return model::error(Errc::unavailable, "away"); }
};

class StepdownTest : public testing::Test {
protected:
    void lead() {
        board_.update([](reconcilers::NodeView& view) {
            view.board.role.phase = reconcilers::RoleView::Phase::holder;
            view.board.role.lease = model::Lease{};
        });
    }
    std::string ask(bool allowed) {
        Stepdown stepdown{"n1", allowed, board_, store_, clock_};
        std::promise<std::string> answer;
        stepdown.ask([&answer](std::string text) { answer.set_value(std::move(text)); });
        return answer.get_future().get();
    }
    SharedBoard board_;
    Store store_;
    adapters::linux_host::Clock clock_;
};

// defects.md G12: not everybody who may publish can depose a leader.
TEST_F(StepdownTest, IsRefusedUnlessItIsAllowed) {
    lead();
    EXPECT_THAT(ask(false), HasSubstr(R"("ok":false,"error":"a step-down by NATS is not allowed)"));
    EXPECT_EQ(store_.spec_.switchover, std::nullopt);
}

TEST_F(StepdownTest, OfTheLeaderIsASwitchoverAwayFromIt) {
    lead();
    EXPECT_EQ(ask(true), R"({"ok":true})");
    ASSERT_TRUE(store_.spec_.switchover);
    EXPECT_EQ(store_.spec_.switchover->from, "n1");
    EXPECT_EQ(store_.spec_.switchover->to, "");
}

TEST_F(StepdownTest, AnswersWithTheReason) {
    EXPECT_THAT(ask(true), HasSubstr("does not lead, and there is no leader"));
    board_.update([](reconcilers::NodeView& view) { view.board.role.leader = "n2"; });
    EXPECT_THAT(ask(true), HasSubstr("does not lead; the leader is n2"));
    lead();
    store_.spec_.paused = true;
    EXPECT_THAT(ask(true), HasSubstr("paused"));
}

TEST(MicroEndpoints, HaveGoClustersNamesAndFields) {
    config::Config config;
    config.cluster_id = "prod";
    config.node_id = "n1";
    SharedBoard board;
    Store store;
    const adapters::linux_host::Clock clock;
    Stepdown stepdown{"n1", false, board, store, clock};
    const auto subjects = [](const adapters::nats::MicroOptions& options) {
        std::vector<std::string> all;
        for (const auto& endpoint : options.endpoints)
            all.push_back(endpoint.subject);
        return all;
    };
    EXPECT_THAT(subjects(micro_options(config, {}, board, stepdown)),
                testing::ElementsAre("convex.prod.svc.n1.status",
                                     "convex.prod.svc.n1.ping",
                                     "convex.prod.svc.n1.stepdown",
                                     "cluster.prod.health.n1"));
    const auto go = go_cluster_options(config, {}, board, stepdown);
    EXPECT_EQ(go.name, "cluster_prod");
    EXPECT_THAT(
        subjects(go),
        testing::ElementsAre(
            "cluster_prod.status.n1", "cluster_prod.ping.n1", "cluster_prod.control.n1.stepdown"));
    EXPECT_EQ(go_cluster_status({.node_id = "n1",
                                 .role = model::Role::primary,
                                 .leader = "n1",
                                 .epoch = {3},
                                 .uptime_ms = 7}),
              R"({"nodeId":"n1","role":"PRIMARY","leader":"n1","epoch":3,"uptimeMs":7,)"
              R"("connected":true})");
    EXPECT_THAT(ping_answer(), HasSubstr(R"({"ok":true,"timestamp":1)"));
}

}  // namespace
}  // namespace app
