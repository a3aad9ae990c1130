#include "tests/sim/cluster/log_check.h"

#include <functional>
#include <utility>

#include "model/ltx/decoder.h"
#include "tests/sim/database/sim_sqlite.h"

namespace sim {
namespace {

using model::Bytes;
using model::LogEntry;

std::size_t hash_of(const std::map<std::uint32_t, Bytes>& pages) {
    std::size_t sum = pages.size();
    for (const auto& [number, data] : pages) {
        const std::string_view bytes{reinterpret_cast<const char*>(data.data()), data.size()};
        sum = sum * 31 + std::hash<std::string_view>{}(bytes);
    }
    return sum;
}

void apply_file(std::map<std::uint32_t, Bytes>& pages, const model::ltx::File& file) {
    for (const auto& page : file.pages)
        pages[page.number] = page.data;
    pages.erase(pages.upper_bound(file.header.commit), pages.end());
}

std::string number(std::uint64_t value) { return std::to_string(value); }

}  // namespace

void LogCheck::begin_anew() { *this = LogCheck{*server_, stream_}; }

std::string LogCheck::check() {
    const auto* stream = server_->find(stream_);
    if (stream == nullptr) return {};
    if (stream->last() < read_to_) begin_anew();
    while (const auto next = stream->next_meta(read_to_ + 1)) {
        read_to_ = next;
        const auto& message = stream->at(next);
        if (!message.meta) continue;
        if (auto wrong = read(next, *message.meta); !wrong.empty()) {
            return "sequence " + number(next) + ", " + message.meta->name + ": " + wrong;
        }
    }
    return {};
}

std::string LogCheck::read(std::uint64_t, const model::ObjectMeta& meta) {
    const auto entry = model::to_entry(meta);
    switch (entry.kind) {
        case LogEntry::Kind::marker:
            // A marker below a newer one is void, and harmless.
            marker_ = std::max(marker_, entry.marker.epoch);
            return {};
        case LogEntry::Kind::opened:
            if (entry.opened.epoch < marker_) {
                return "I3: opened of epoch " + number(entry.opened.epoch.value) +
                       " after the marker of " + number(marker_.value);
            }
            if (entry.opened.start != visible_) {
                return "I3: opened at TXID " + number(entry.opened.start.value) +
                       ", the log ends at " + number(visible_.value);
            }
            return {};
        case LogEntry::Kind::ltx:
            return read_ltx(meta, entry.ltx);
        case LogEntry::Kind::other:
            return "I3: an object that is not ours";
    }
    return {};
}

std::string LogCheck::read_ltx(const model::ObjectMeta& meta, const model::LtxObject& object) {
    if (object.epoch < marker_) {
        return "I3: a file of epoch " + number(object.epoch.value) + " after the marker of " +
               number(marker_.value);
    }
    if (object.level == 0) {
        const bool follows = last_.value == 0 ? object.min.value >= 2 : object.min == last_.next();
        if (!follows || object.min != object.max) {
            return "I3: its TXID does not follow " + number(last_.value);
        }
        if (object.prev != last_nuid_) return "I3: its prev is not the file before it";
        last_ = object.max;
        last_nuid_ = meta.nuid;
    }
    visible_ = std::max(visible_, object.max);
    return take_pages(meta, object);
}

std::string LogCheck::take_pages(const model::ObjectMeta& meta, const model::LtxObject& object) {
    const auto* stream = server_->find(stream_);
    Bytes bytes;
    const auto subject = "C." + meta.nuid;
    for (auto at = stream->next_of(subject, 1); at != 0; at = stream->next_of(subject, at + 1)) {
        const auto& payload = stream->at(at).payload;
        bytes.insert(bytes.end(), payload.begin(), payload.end());
    }
    if (bytes.size() != meta.size) return "I3: visible without all of its bytes";
    auto file = model::ltx::decode(bytes);
    if (!file) return "I3: " + file.error().message;

    if (object.level == 0) {
        if (!base_) {
            waiting_.emplace_back(object.max, std::move(bytes));
            return {};
        }
        apply_file(pages_, *file);
    } else if (!base_) {
        base_ = true;
        apply_file(pages_, *file);
        for (const auto& [txid, later] : std::exchange(waiting_, {})) {
            if (txid <= object.max) continue;
            apply_file(pages_, model::ltx::decode(later).value());
            hashes_[txid.value] = hash_of(pages_);
        }
    } else {
        std::map<std::uint32_t, Bytes> image;
        apply_file(image, *file);
        const auto known = hashes_.find(object.max.value);
        if (known != hashes_.end() && known->second != hash_of(image)) {
            return "I4: the snapshot is not what the log has at TXID " + number(object.max.value);
        }
        return {};
    }
    hashes_[visible_.value] = hash_of(pages_);
    auto rows = read_rows([this](std::uint32_t page) -> model::Result<Bytes> {
        const auto found = pages_.find(page);
        return found == pages_.end() ? Bytes(sim_page_size) : found->second;
    });
    if (!rows) return "I4: at its end the log is no database: " + rows.error().message;
    if (rows_ && !begins_with(*rows, *rows_)) {
        return "I4: with it the database has " + number(rows->size()) +
               " rows, and lacks some of " + number(rows_->size()) +
               " that were acknowledged before";
    }
    rows_ = std::move(*rows);
    return {};
}

}  // namespace sim
