// The two listeners of a node process, over what it publishes.
#include "app/http_endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "adapters/http/http_get.h"
#include "adapters/linux/clock.h"
#include "adapters/sync/mutex.h"
#include "tests/adapters/http/server.h"
#include "tests/support/eventually.h"
#include "tests/support/processes.h"
#include "tests/support/result.h"

// Requests that the library still has under way when the process ends are never freed.
extern "C" const char* __lsan_default_suppressions();                                    // NOLINT
extern "C" const char* __lsan_default_suppressions() { return "leak:libcpprest.so\n"; }  // NOLINT

namespace app {
namespace {

using model::Errc;
using model::Result;
using test_support::code_of;
using test_support::eventually;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class Events final : public reconcilers::ports::Events {
public:
    void emit(reconcilers::ports::Level,
              std::string_view name,
              const reconcilers::ports::Fields&) override {
        const adapters::sync::Lock lock{mutex_};
        names_.emplace_back(name);
    }
    [[nodiscard]] auto count(std::string_view name) {
        const adapters::sync::Lock lock{mutex_};
        return std::count(names_.begin(), names_.end(), name);
    }

private:
    adapters::sync::Mutex mutex_;
    std::vector<std::string> names_ GUARDED_BY(mutex_);
};

model::HostPort free_listen() {
    return {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(test_support::free_port())};
}

class HttpEndpointsTest : public testing::Test {
protected:
    HttpEndpointsTest() {
        config_.cluster_id = "prod";
        config_.node_id = "n1";
        config_.api = free_listen();
        config_.metrics = free_listen();
        board_.update([](reconcilers::NodeView& view) {
            view.status.node_id = "n1";
            view.status.cluster_id = "prod";
            view.board.replica.state = "following";
            view.board.backend.message = "not started here";
        });
    }
    void start() {
        endpoints_ = start_http_endpoints(config_, board_, events_);
        ASSERT_TRUE(eventually([&] { return events_.count("api.listening") == 2; }));
    }
    static Result<std::string> get(const model::HostPort& server, std::string_view path) {
        return adapters::http::get(server, path, 5s);
    }

    config::Config config_;
    SharedBoard board_;
    Events events_;
    std::shared_ptr<void> endpoints_;
};

TEST_F(HttpEndpointsTest, ServeWhatTheNodePublishesAtTheTimeOfTheRequest) {
    start();
    const auto page = get(config_.api, "/status");
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_THAT(*page, HasSubstr(R"("node": "n1")"));
    EXPECT_THAT(*page, HasSubstr("following"));
    EXPECT_THAT(*page, HasSubstr("not started here"));
    board_.update([](reconcilers::NodeView& view) { view.board.replica.state = "shipping"; });
    EXPECT_THAT(get(config_.api, "/status").value(), HasSubstr("shipping"));
    const auto metrics = get(config_.metrics, "/metrics");
    ASSERT_TRUE(metrics) << metrics.error().message;
    EXPECT_THAT(*metrics, HasSubstr(R"(node="n1")"));
}

TEST_F(HttpEndpointsTest, EachServesItsOwnPagesAlone) {
    start();
    EXPECT_EQ(code_of(get(config_.api, "/metrics")), Errc::invalid);
    EXPECT_EQ(code_of(get(config_.metrics, "/status")), Errc::invalid);
}

// The liveness probe is of the loops, not of the threads that answer it.
TEST_F(HttpEndpointsTest, ALoopThatDoesNotTurnIsNotHealthy) {
    const auto now = adapters::linux_host::Clock{}.now();
    for (const auto part : reconcilers::all_parts)
        board_.turned(part, now);
    start();
    EXPECT_TRUE(get(config_.api, "/health"));
    board_.turned(reconcilers::Part::role, now - 11s);
    EXPECT_THAT(get(config_.api, "/health").error().message, HasSubstr("503"));
}

TEST_F(HttpEndpointsTest, APortInUseIsReportedOnceAndHoldsTheOtherNotUp) {
    auto other = std::make_unique<adapters::http::Server>("", false);
    config_.api.port = other->port();
    endpoints_ = start_http_endpoints(config_, board_, events_);
    ASSERT_TRUE(eventually([&] { return events_.count("api.listening") == 1; }));
    EXPECT_TRUE(get(config_.metrics, "/metrics"));
    EXPECT_EQ(events_.count("api.listen_failed"), 1);
    other.reset();
    ASSERT_TRUE(eventually([&] { return events_.count("api.listening") == 2; }));
    EXPECT_EQ(events_.count("api.listen_failed"), 1);
    EXPECT_TRUE(get(config_.api, "/status"));
}

TEST_F(HttpEndpointsTest, StopWithTheLastReference) {
    start();
    endpoints_.reset();
    EXPECT_EQ(code_of(get(config_.api, "/status")), Errc::unavailable);
    EXPECT_EQ(code_of(get(config_.metrics, "/metrics")), Errc::unavailable);
}

}  // namespace
}  // namespace app
