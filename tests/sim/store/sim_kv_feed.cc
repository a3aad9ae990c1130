#include "tests/sim/store/sim_kv_feed.h"

namespace sim {

using adapters::kv::KvChange;
using adapters::kv::KvChanges;
using model::Errc;

model::Result<KvChanges> SimKvFeed::take() {
    if (auto why = client_.down(); !why.empty())
        return model::error(Errc::unavailable, std::move(why));
    const auto* stream = client_.server().find(stream_);
    if (!stream) return model::error(Errc::unavailable, "stream not found");
    KvChanges taken;
    if (generation_ != client_.connection_generation()) {
        generation_ = client_.connection_generation();
        read_ = 0;
        taken.whole = true;
    }
    if (!taken.whole && stream->last() == read_) return taken;
    for (const auto& key : stream->subjects()) {
        const auto sequence = stream->last_of(key);
        if (sequence <= read_) continue;
        const auto& message = stream->at(sequence);
        KvChange change{.key = key,
                        .revision = {sequence},
                        .erased = message.delete_marker,
                        .size = message.payload.size(),
                        .value = {}};
        if (change.size <= largest_) change.value = message.payload;
        taken.changes.push_back(std::move(change));
    }
    delivered_ += taken.whole ? taken.changes.size() : stream->last() - read_;
    read_ = stream->last();
    return taken;
}

}  // namespace sim
