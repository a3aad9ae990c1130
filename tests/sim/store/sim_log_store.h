// The LogStore port over the simulated server.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/ports/log_store.h"
#include "tests/sim/store/sim_server.h"

namespace sim {

class SimLogStore final : public reconcilers::ports::LogStore {
public:
    /// `client` must outlive this.
    SimLogStore(SimClient& client, const std::string& bucket)
        : client_{client}, stream_{"OBJ_" + bucket} {}

    [[nodiscard]] model::Result<void> ensure();

    [[nodiscard]] model::Result<reconcilers::ports::StreamState> state() override;
    [[nodiscard]] model::Result<model::Sequence> publish_chunks(
        std::string_view nuid,
        const std::vector<model::ByteView>& pieces,
        model::Sequence last) override;
    [[nodiscard]] model::Result<model::Sequence> publish_meta(
        const model::ObjectMeta& meta, std::optional<model::Sequence> last) override;
    [[nodiscard]] model::Result<std::optional<model::StoredMeta>> next_meta(
        model::Sequence from) override;
    [[nodiscard]] model::Result<std::optional<reconcilers::ports::Chunk>> next_chunk(
        std::string_view nuid, model::Sequence from) override;
    [[nodiscard]] model::Result<void> erase(model::Sequence sequence) override;
    /// Unique within the server's lifetime, and the same in every run.
    [[nodiscard]] std::string new_nuid() override;
    [[nodiscard]] std::unique_ptr<reconcilers::ports::Digest> new_digest() override;
    [[nodiscard]] std::uint64_t connection_generation() const override {
        return client_.connection_generation();
    }
    void on_change(std::function<void()> wake) override { client_.add_waker(std::move(wake)); }

private:
    [[nodiscard]] model::Result<SimStream*> readable();
    [[nodiscard]] model::Result<std::optional<model::StoredMeta>> meta_at(const SimStream& stream,
                                                                          std::uint64_t sequence);

    SimClient& client_;
    std::string stream_;
};

}  // namespace sim
