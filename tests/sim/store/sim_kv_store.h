// The port KvStore over the simulated server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/ports/kv_store.h"
#include "tests/sim/store/sim_server.h"

namespace sim {

class SimKvStore final : public reconcilers::ports::KvStore {
public:
    /// `client` outlives it.
    SimKvStore(SimClient& client, const std::string& bucket)
        : client_{client}, stream_{"KV_" + bucket} {}

    [[nodiscard]] model::Result<void> ensure();

    [[nodiscard]] model::Result<std::optional<reconcilers::ports::KvEntry>> get(
        std::string_view key) override;
    [[nodiscard]] model::Result<std::vector<reconcilers::ports::KvEntry>> list() override;
    [[nodiscard]] model::Result<model::Revision> update(std::string_view key,
                                                        model::ByteView value,
                                                        model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> put(std::string_view key,
                                                     model::ByteView value) override;
    [[nodiscard]] model::Result<void> erase(std::string_view key,
                                            model::Revision expected) override;
    [[nodiscard]] model::Result<model::Revision> last_revision() override;
    [[nodiscard]] std::uint64_t session() const override { return client_.session(); }
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
