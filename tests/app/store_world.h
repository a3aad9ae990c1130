// Two NATS servers that are two stores, and a cluster's configuration.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/nats/kv_store.h"
#include "adapters/nats/log_store.h"
#include "adapters/nats/store_identity.h"
#include "config/config.h"
#include "model/names.h"
#include "tests/adapters/nats/client.h"
#include "tests/support/nats_server.h"
#include "tests/support/temp_dir.h"

namespace test_app {

/// For a configuration's cluster.
class StoreWorld {
public:
    StoreWorld() {
        config.cluster_id = "prod";
        config.node_id = "n1";
        config.state_dir = directory.path();
        config.election.timing.heartbeat = std::chrono::milliseconds{500};
    }

    /// Creates the cluster's buckets and its log at that server.
    void create_store(const test_support::NatsServer& server) const {
        const auto client = adapters::nats::connected_client(server.url());
        const auto names = model::store_names(config.cluster_id);
        for (const auto& bucket : {names.election, names.state})
            created(adapters::nats::KvStore{client, {.bucket = bucket, .replicas = 1}}.ensure());
        created(adapters::nats::LogStore{client, {.bucket = names.wal, .replicas = 1}}.ensure());
    }
    [[nodiscard]] model::StoreIdentity identity(const test_support::NatsServer& server) const {
        const auto client = adapters::nats::connected_client(server.url());
        return adapters::nats::read_store_identity(*client, model::stream_names(config.cluster_id));
    }

    test_support::TempDir directory;
    config::Config config;
    test_support::NatsServer a;
    test_support::NatsServer b;

private:
    static void created(const model::Result<adapters::nats::Ensured>& ensured) {
        if (!ensured) throw std::runtime_error{ensured.error().message};
    }
};

}  // namespace test_app
