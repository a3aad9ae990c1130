// The stores that the contract suites run against: a real nats-server, and the simulated one.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "reconcilers/ports/kv_store.h"
#include "reconcilers/ports/log_store.h"

namespace contract {

class StoreWorld {
public:
    virtual ~StoreWorld() = default;

    /// A client of its own, connected; the bucket exists.
    virtual std::unique_ptr<reconcilers::ports::KvStore> kv(const std::string& bucket) = 0;
    virtual std::unique_ptr<reconcilers::ports::LogStore> log(const std::string& bucket) = 0;

    /// As other tools write: no expectation.
    virtual void publish_meta(const std::string& bucket,
                              const model::ObjectMeta& meta,
                              bool rollup) = 0;
    virtual void publish_chunk(const std::string& bucket,
                               const std::string& nuid,
                               model::ByteView data) = 0;
    virtual void publish_unreadable_meta(const std::string& bucket,
                                         const std::string& name,
                                         const std::string& text) = 0;

    /// The server dies and comes back on the same port with the same store.
    virtual void restart() = 0;
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
