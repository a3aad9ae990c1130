// A LogStore in front of another one, for tests that change some of its calls.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconcilers/ports/log_store.h"

namespace sim {

/// Passes each call on to another log, which outlives it; a test overrides what it changes.
class ForwardingLogStore : public reconcilers::ports::LogStore {
public:
    explicit ForwardingLogStore(reconcilers::ports::LogStore& inner) : inner_{inner} {}
    model::Result<reconcilers::ports::StreamState> state() override { return inner_.state(); }
    model::Result<model::Sequence> publish_chunks(std::string_view nuid,
                                                  const std::vector<model::ByteView>& pieces,
                                                  model::Sequence last) override {
        return inner_.publish_chunks(nuid, pieces, last);
    }
    model::Result<model::Sequence> publish_meta(const model::ObjectMeta& meta,
                                                std::optional<model::Sequence> last) override {
        return inner_.publish_meta(meta, last);
    }
    model::Result<std::optional<model::StoredMeta>> next_meta(model::Sequence from) override {
        return inner_.next_meta(from);
    }
    model::Result<std::optional<reconcilers::ports::Chunk>> next_chunk(
        std::string_view nuid, model::Sequence from) override {
        return inner_.next_chunk(nuid, from);
    }
    model::Result<void> erase(model::Sequence sequence) override { return inner_.erase(sequence); }
    std::string new_nuid() override { return inner_.new_nuid(); }
    std::unique_ptr<reconcilers::ports::Digest> new_digest() override {
        return inner_.new_digest();
    }
    std::uint64_t connection_generation() const override { return inner_.connection_generation(); }
    void on_change(std::function<void()> wake) override { inner_.on_change(std::move(wake)); }

protected:
    reconcilers::ports::LogStore& inner_;
};

}  // namespace sim
