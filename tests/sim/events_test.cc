// What is told: a failure once, however often it is met, and its end.
#include <gtest/gtest.h>

#include "tests/sim/story.h"

namespace sim {
namespace {

using namespace std::chrono_literals;

class EventStory : public Story {
protected:
    void put_spec(const std::string& text) {
        world_->server().publish(
            "KV_spec", {.message = {.subject = "spec", .payload = model::to_bytes(text)}});
    }
};

TEST_F(EventStory, WishesThatCanNotBeReadAreToldOnceForEachReason) {
    start({.seed = 201});
    put_spec("no JSON");
    world_->run_for(60s);
    EXPECT_EQ(count(leader().id() + " spec.unreadable"), 1);
    EXPECT_EQ(count("spec.unreadable"), 2);
    put_spec("[1]");
    world_->run_for(60s);
    EXPECT_EQ(count("spec.unreadable"), 4);
    EXPECT_EQ(count("spec.read_again"), 0);
    put_spec("{}");
    world_->run_for(60s);
    EXPECT_EQ(count("spec.unreadable"), 4);
    EXPECT_EQ(count("spec.read_again"), 2);
    expect_rest();
}

TEST_F(EventStory, ACaptureThatFailsIsToldOnceAndSoIsItsEnd) {
    start({.seed = 202});
    auto& machine = leader();
    world_->write_now();
    machine.files().capacity(0);  // what was committed can not be staged
    world_->run_for(20s);
    EXPECT_EQ(count("capture.failed"), 1);
    EXPECT_EQ(count("capture.resumed"), 0);
    machine.files().capacity(UINT64_MAX);
    world_->run_for(5s);
    EXPECT_EQ(count("capture.failed"), 1);
    EXPECT_EQ(count("capture.resumed"), 1);
    expect_rest();
}

}  // namespace
}  // namespace sim
