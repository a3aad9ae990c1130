// The stores under test in the contract suites: a real nats-server and the simulated one.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "adapters/kv/kv_feed.h"
#include "adapters/kv/kv_store.h"
#include "model/store_identity.h"
#include "reconcilers/ports/log_store.h"

namespace contract {

class StoreWorld {
public:
    virtual ~StoreWorld() = default;

    /// A separate, connected client; the bucket exists.
    virtual std::unique_ptr<adapters::kv::KvStore> kv(const std::string& bucket) = 0;
    /// Of a bucket that exists. Values of more bytes than `largest` come without them.
    virtual std::unique_ptr<adapters::kv::KvFeed> feed(const std::string& bucket,
                                                       std::size_t largest) = 0;
    virtual std::unique_ptr<reconcilers::ports::LogStore> log(const std::string& bucket) = 0;

    /// Publishes as other tools do: without an expected sequence.
    virtual void publish_meta(const std::string& bucket,
                              const model::ObjectMeta& meta,
                              bool rollup) = 0;
    virtual void publish_chunk(const std::string& bucket,
                               const std::string& nuid,
                               model::ByteView data) = 0;
    virtual void publish_unreadable_meta(const std::string& bucket,
                                         const std::string& name,
                                         const std::string& text) = 0;

    /// The server is killed and restarted on the same port with the same data.
    virtual void restart() = 0;

    /// The identity read over a separate connection, for the buckets `election`, `state` and `wal`.
    virtual model::StoreIdentity identity() = 0;
    virtual void remove_stream(const std::string& stream) = 0;
};

using MakeWorld = std::unique_ptr<StoreWorld> (*)();
std::unique_ptr<StoreWorld> make_nats_world();
std::unique_ptr<StoreWorld> make_simulated_world();

struct WorldParam {
    const char* name;
    MakeWorld make;
};
inline const WorldParam worlds[] = {{"Nats", make_nats_world}, {"Simulated", make_simulated_world}};
inline std::string world_name(const testing::TestParamInfo<WorldParam>& info) {
    return info.param.name;
}

class StoreContract : public testing::TestWithParam<WorldParam> {
protected:
    std::unique_ptr<StoreWorld> world_ = GetParam().make();
};

}  // namespace contract
