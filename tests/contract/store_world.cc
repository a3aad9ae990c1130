#include "tests/contract/store_world.h"

#include <stdexcept>

#include "adapters/nats/connection.h"
#include "adapters/nats/kv_feed.h"
#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/nats/object_meta.h"
#include "adapters/nats/store_identity.h"
#include "tests/sim/store/sim_kv_feed.h"
#include "tests/sim/store/sim_kv_store.h"
#include "tests/sim/store/sim_log_store.h"
#include "tests/support/eventually.h"
#include "tests/support/nats_server.h"

namespace contract {
namespace {

class NatsWorld final : public StoreWorld {
public:
    std::unique_ptr<adapters::kv::KvStore> kv(const std::string& bucket) override {
        auto store =
            std::make_unique<adapters::nats::KvStore>(connect(), adapters::nats::KvOptions{bucket});
        await_ready([&] { return store->ensure(); });
        return store;
    }

    std::unique_ptr<adapters::kv::KvFeed> feed(const std::string& bucket,
                                               std::size_t largest) override {
        return std::make_unique<adapters::nats::KvFeed>(connect(), bucket, largest);
    }

    std::unique_ptr<reconcilers::ports::LogStore> log(const std::string& bucket) override {
        auto store = std::make_unique<adapters::nats::LogStore>(connect(),
                                                                adapters::nats::LogOptions{bucket});
        await_ready([&] { return store->ensure(); });
        return store;
    }

    void publish_meta(const std::string& bucket,
                      const model::ObjectMeta& meta,
                      bool rollup) override {
        const auto body = adapters::nats::to_json(meta, bucket);
        adapters::nats::Headers headers;
        if (rollup) headers.emplace_back("Nats-Rollup", "sub");
        publish("$O." + bucket + ".M." + adapters::nats::meta_token(meta.name), *body, headers);
    }

    void publish_chunk(const std::string& bucket,
                       const std::string& nuid,
                       model::ByteView data) override {
        publish("$O." + bucket + ".C." + nuid, model::to_text(data));
    }

    void publish_unreadable_meta(const std::string& bucket,
                                 const std::string& name,
                                 const std::string& text) override {
        publish("$O." + bucket + ".M." + adapters::nats::meta_token(name), text);
    }

    void restart() override {
        server_.stop(SIGKILL);
        server_.start();
    }

    model::StoreIdentity identity() override {
        return adapters::nats::read_store_identity(
            *connect(), {.election = "KV_election", .state = "KV_state", .log = "OBJ_wal"});
    }

    void remove_stream(const std::string& stream) override {
        const auto answer = connect()->request({.subject = "$JS.API.STREAM.DELETE." + stream});
        if (!answer) throw std::runtime_error{answer.error().message};
    }

private:
    std::shared_ptr<adapters::nats::Connection> connect() {
        auto connection = adapters::nats::Connection::open(
            {.servers = {server_.url()}, .name = "contract", .timeout = std::chrono::seconds{2}});
        if (!connection) throw std::runtime_error{connection.error().message};
        if (!test_support::eventually([&] { return (*connection)->connected(); }))
            throw std::runtime_error{"no connection: " + (*connection)->last_reason()};
        return *connection;
    }

    template <typename Ensure>
    static void await_ready(const Ensure& ensure) {
        std::string why;
        const bool done = test_support::eventually([&] {
            const auto result = ensure();
            if (!result) why = result.error().message;
            return result.has_value();
        });
        if (!done) throw std::runtime_error{why};
    }

    void publish(const std::string& subject,
                 const std::string& body,
                 const adapters::nats::Headers& headers = {}) {
        if (!foreign_) foreign_ = connect();
        const auto answer = foreign_->request(
            {.subject = subject, .headers = headers, .payload = model::as_bytes(body)});
        if (!answer) throw std::runtime_error{answer.error().message};
    }

    test_support::NatsServer server_;
    std::shared_ptr<adapters::nats::Connection> foreign_;
};

class SimulatedWorld final : public StoreWorld {
public:
    std::unique_ptr<adapters::kv::KvStore> kv(const std::string& bucket) override {
        auto store = std::make_unique<sim::SimKvStore>(new_client(), bucket);
        EXPECT_TRUE(store->ensure());
        return store;
    }

    std::unique_ptr<adapters::kv::KvFeed> feed(const std::string& bucket,
                                               std::size_t largest) override {
        return std::make_unique<sim::SimKvFeed>(new_client(), bucket, largest);
    }

    std::unique_ptr<reconcilers::ports::LogStore> log(const std::string& bucket) override {
        auto store = std::make_unique<sim::SimLogStore>(new_client(), bucket);
        EXPECT_TRUE(store->ensure());
        return store;
    }

    void publish_meta(const std::string& bucket,
                      const model::ObjectMeta& meta,
                      bool rollup) override {
        publish(bucket, {.message = {.subject = "M." + meta.name, .meta = meta}, .rollup = rollup});
    }

    void publish_chunk(const std::string& bucket,
                       const std::string& nuid,
                       model::ByteView data) override {
        publish(bucket,
                {.message = {.subject = "C." + nuid, .payload = {data.begin(), data.end()}}});
    }

    void publish_unreadable_meta(const std::string& bucket,
                                 const std::string& name,
                                 const std::string& text) override {
        publish(bucket, {.message = {.subject = "M." + name, .payload = model::to_bytes(text)}});
    }

    void restart() override { server_.restart(); }
    model::StoreIdentity identity() override {
        return server_.identity("KV_election", "KV_state", "OBJ_wal");
    }
    void remove_stream(const std::string& stream) override { server_.remove(stream); }

private:
    sim::SimClient& new_client() { return server_.client("c" + std::to_string(++clients_)); }
    void publish(const std::string& bucket, sim::SimPublish request) {
        EXPECT_NE(server_.publish("OBJ_" + bucket, std::move(request)).sequence, 0U);
    }

    sim::SimServer server_;
    int clients_ = 0;
};

}  // namespace

std::unique_ptr<StoreWorld> make_nats_world() { return std::make_unique<NatsWorld>(); }
std::unique_ptr<StoreWorld> make_simulated_world() { return std::make_unique<SimulatedWorld>(); }

}  // namespace contract
