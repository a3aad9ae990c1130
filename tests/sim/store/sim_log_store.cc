#include "tests/sim/store/sim_log_store.h"

#include <algorithm>
#include <utility>

#include "adapters/nats/digest.h"

namespace sim {
namespace {

constexpr std::size_t most_pieces = 64;
constexpr std::size_t largest_piece = 128 * 1024;

}  // namespace

using model::Errc;
using model::error;
using model::Result;
using model::Sequence;
using model::StoredMeta;
using reconcilers::ports::Chunk;
using reconcilers::ports::StreamState;

Result<void> SimLogStore::ensure() {
    if (auto why = client_.down(); !why.empty()) return error(Errc::unavailable, std::move(why));
    client_.server().ensure(stream_, 0);
    return {};
}

Result<SimStream*> SimLogStore::readable() {
    if (auto why = client_.down(); !why.empty()) return error(Errc::unavailable, std::move(why));
    auto* stream = client_.server().find(stream_);
    if (!stream) return error(Errc::unavailable, "stream not found");
    return stream;
}

Result<StreamState> SimLogStore::state() {
    const auto stream = readable();
    if (!stream) return stream.error();
    return StreamState{.created = client_.server().created(**stream),
                       .first = {(*stream)->first()},
                       .last = {(*stream)->last()}};
}

Result<Sequence> SimLogStore::publish_chunks(std::string_view nuid,
                                             const std::vector<model::ByteView>& pieces,
                                             Sequence last) {
    if (nuid.empty() || pieces.size() > most_pieces ||
        std::any_of(pieces.begin(), pieces.end(), [](const auto& piece) {
            return piece.size() > largest_piece;
        })) {
        return error(Errc::invalid, "too many or too large");
    }
    // As in a pipeline, pieces after a refused or lost one are sent nevertheless.
    bool conflict = false;
    bool unknown = false;
    std::size_t stored = 0;
    for (const auto& piece : pieces) {
        const auto answer = client_.publish(stream_,
                                            {.message = {.subject = "C." + std::string{nuid},
                                                         .payload = {piece.begin(), piece.end()}},
                                             .expected_last = last.value});
        last = last.next();
        if (!answer) {
            unknown |= answer.error().code == Errc::unknown_outcome;
        } else if (answer->sequence == 0) {
            conflict = true;
        } else {
            ++stored;
        }
    }
    if (conflict) return error(Errc::conflict, "wrong last sequence");
    if (stored == pieces.size()) return last;
    if (unknown || stored > 0) return error(Errc::unknown_outcome, "no answer");
    return error(Errc::unavailable, "not sent");
}

Result<Sequence> SimLogStore::publish_meta(const model::ObjectMeta& meta,
                                           std::optional<Sequence> last) {
    if (meta.name.empty()) return error(Errc::invalid, "an object without a name");
    SimPublish request{.message = {.subject = "M." + meta.name, .meta = meta}};
    if (last) request.expected_last = last->value;
    const auto answer = client_.publish(stream_, std::move(request));
    if (!answer) return answer.error();
    if (answer->sequence == 0) return error(Errc::conflict, answer->refusal);
    return Sequence{answer->sequence};
}

Result<std::optional<StoredMeta>> SimLogStore::meta_at(const SimStream& stream,
                                                       std::uint64_t sequence) {
    if (sequence == 0) return std::optional<StoredMeta>{};
    const auto& message = stream.at(sequence);
    StoredMeta stored{.sequence = {sequence},
                      .stored_at = {static_cast<std::int64_t>(message.stored_at)}};
    if (message.meta) stored.meta = *message.meta;
    return std::optional{std::move(stored)};
}

Result<std::optional<StoredMeta>> SimLogStore::next_meta(Sequence from) {
    const auto stream = readable();
    if (!stream) return stream.error();
    return meta_at(**stream, (*stream)->next_meta(from.value));
}

Result<std::optional<Chunk>> SimLogStore::next_chunk(std::string_view nuid, Sequence from) {
    const auto stream = readable();
    if (!stream) return stream.error();
    const auto sequence = (*stream)->next_of("C." + std::string{nuid}, from.value);
    if (sequence == 0) return std::optional<Chunk>{};
    if (!client_.count_chunk()) return error(Errc::unavailable, "no answer");
    return std::optional{Chunk{.sequence = {sequence}, .data = (*stream)->at(sequence).payload}};
}

Result<void> SimLogStore::erase(Sequence sequence) {
    const auto stream = readable();
    if (!stream) return stream.error();
    (*stream)->erase(sequence.value);
    return {};
}

std::unique_ptr<reconcilers::ports::Digest> SimLogStore::new_digest() {
    return std::make_unique<adapters::nats::ObjectDigest>();
}

std::string SimLogStore::new_nuid() { return client_.server().new_nuid(); }

}  // namespace sim
