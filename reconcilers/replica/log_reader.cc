#include "reconcilers/replica/log_reader.h"

#include <string_view>

namespace reconcilers::replica {

using model::Errc;
using model::Result;

Result<std::string> LogReader::verify() {
    const auto generation = store_.connection_generation();
    auto stream = store_.state();
    if (!stream) return std::move(stream).error();
    if (state_.sequence.value == 0) {
        state_.stream_created = stream->created;
        verified_ = generation;
        return std::string{};
    }
    if (stream->created != state_.stream_created) {
        return "the stream was made anew on " + stream->created +
               "; this node had read the one of " + state_.stream_created;
    }
    if (stream->last < state_.sequence) {
        return "the stream ends at sequence " + std::to_string(stream->last.value) +
               "; this node had read up to " + std::to_string(state_.sequence.value);
    }
    auto meta = store_.next_meta(state_.sequence);
    if (!meta) return std::move(meta).error();
    if (*meta && (*meta)->sequence == state_.sequence && identity((*meta)->meta) != state_.at) {
        return "the message at sequence " + std::to_string(state_.sequence.value) + " is now " +
               identity((*meta)->meta) + "; this node had read " + state_.at;
    }
    verified_ = generation;
    return std::string{};
}

Result<std::optional<model::StoredMeta>> LogReader::peek() {
    return store_.next_meta(state_.sequence.next());
}

namespace {

/// Some clients leave out the padding of base64.
std::string_view unpadded(std::string_view digest) {
    return digest.substr(0, digest.find_last_not_of('=') + 1);
}

}  // namespace

Result<bool> Download::read(ports::LogStore& store, std::uint64_t limit, model::Bytes& out) {
    std::uint64_t taken = 0;
    if (!digest_) digest_ = store.new_digest();
    while (chunks_ < meta_.meta.chunks && taken < limit) {
        auto chunk = store.next_chunk(meta_.meta.nuid, next_);
        // The chunks read so far are returned first; the next call continues after them.
        if ((!chunk || !*chunk) && taken > 0) return false;
        if (!chunk) return std::move(chunk).error();
        if (!*chunk) {
            return model::error(Errc::not_found,
                                meta_.meta.name + ": chunk " + std::to_string(chunks_ + 1) +
                                    " of " + std::to_string(meta_.meta.chunks) +
                                    " is not in the store");
        }
        const auto& data = (*chunk)->data;
        out.insert(out.end(), data.begin(), data.end());
        digest_->update(data);
        next_ = (*chunk)->sequence.next();
        taken += data.size();
        received_ += data.size();
        ++chunks_;
    }
    if (chunks_ < meta_.meta.chunks) return false;
    if (received_ != meta_.meta.size) {
        return model::error(Errc::corrupt,
                            meta_.meta.name + ": " + std::to_string(received_) +
                                " bytes are in the store, its meta names " +
                                std::to_string(meta_.meta.size));
    }
    const auto& named = meta_.meta.digest;
    if (named.empty()) return true;
    if (const auto found = digest_->finish(); unpadded(found) != unpadded(named)) {
        return model::error(Errc::corrupt,
                            meta_.meta.name + ": the digest of its bytes in the store is " + found +
                                ", its meta names " + named);
    }
    return true;
}

}  // namespace reconcilers::replica
