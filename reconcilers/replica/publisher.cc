#include "reconcilers/replica/publisher.h"

#include <algorithm>
#include <utility>

namespace reconcilers::replica {
namespace {

constexpr std::uint64_t chunk_size = 128U << 10U;

}  // namespace

Upload::Upload(ports::LogStore& store, std::string nuid)
    : store_{store}, nuid_{std::move(nuid)}, digest_{store.new_digest()} {}

void Upload::append(model::ByteView bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    size_ += bytes.size();
    digest_->update(bytes);
}

model::Result<bool> Upload::send(int pieces, model::Sequence& last) {
    std::vector<model::ByteView> window;
    std::uint64_t end = sent_;
    while (static_cast<int>(window.size()) < pieces) {
        const auto length = std::min<std::uint64_t>(chunk_size, buffer_.size() - end);
        if (length == 0 || (length < chunk_size && !closed_)) break;
        window.push_back(model::ByteView{buffer_}.subspan(end, length));
        end += length;
    }
    if (!window.empty()) {
        auto stored = store_.publish_chunks(nuid_, window, last);
        if (!stored) return std::move(stored).error();
        last = *stored;
        chunks_ += window.size();
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(end));
        sent_ = 0;
    }
    return closed_ && buffer_.empty();
}

void Upload::describe(model::ObjectMeta& meta) {
    meta.nuid = nuid_;
    meta.size = size_;
    meta.chunks = chunks_;
    meta.digest = digest_->finish();
}

}  // namespace reconcilers::replica
