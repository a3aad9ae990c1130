// The port KvFeed over the simulated server.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "adapters/kv/kv_feed.h"
#include "tests/sim/store/sim_server.h"

namespace sim {

class SimKvFeed final : public adapters::kv::KvFeed {
public:
    /// `client` outlives it. largest: as adapters::nats::KvFeed's.
    SimKvFeed(SimClient& client, const std::string& bucket, std::size_t largest)
        : client_{client}, stream_{"KV_" + bucket}, largest_{largest} {}

    [[nodiscard]] model::Result<adapters::kv::KvChanges> take() override;
    void on_change(std::function<void()> wake) override { client_.add_waker(std::move(wake)); }

    /// Messages that a server would have sent for it.
    [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

private:
    SimClient& client_;
    std::string stream_;
    std::size_t largest_;
    std::uint64_t generation_ = 0;  // 0: nothing was read yet
    std::uint64_t read_ = 0;        // the last sequence that was
    std::uint64_t delivered_ = 0;
};

}  // namespace sim
