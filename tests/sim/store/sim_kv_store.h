// The KvStore port over the simulated server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/kv/kv_store.h"
#include "tests/sim/store/sim_server.h"

namespace sim {

class SimKvStore final : public adapters::kv::KvStore {
public:
    /// `client` must outlive this.
    SimKvStore(SimClient& client, const std::string& bucket)
        : client_{client}, stream_{"KV_" + bucket} {}

    [[nodiscard]] model::Result<void> ensure();

    [[nodiscard]] model::Result<std::optional<adapters::kv::KvEntry>> get(
        std::string_view key) override;
    [[nodiscard]] model::Result<std::vector<adapters::kv::KvEntry>> list() override;
    [[nodiscard]] model::Result<model::Revision> update(std::string_view key,
                                                        model::ByteView value,
                                                        model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> put(std::string_view key,
                                                     model::ByteView value) override;
    [[nodiscard]] model::Result<void> erase(std::string_view key,
                                            model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> last_revision() override;
    [[nodiscard]] std::uint64_t connection_generation() const override {
        return client_.connection_generation();
    }
    void on_change(std::function<void()> wake) override { client_.add_waker(std::move(wake)); }

private:
    [[nodiscard]] model::Result<SimStream*> readable();
    [[nodiscard]] model::Result<model::Revision> compare_and_set(SimMessage message,
                                                                 model::Revision expected,
                                                                 bool may_create);

    SimClient& client_;
    std::string stream_;
};

}  // namespace sim
