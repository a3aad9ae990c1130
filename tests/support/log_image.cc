#include "tests/support/log_image.h"

#include <fstream>
#include <stdexcept>
#include <vector>

#include "adapters/nats/connection.h"
#include "adapters/nats/log_store.h"
#include "model/ltx/decoder.h"
#include "model/names.h"
#include "tests/support/eventually.h"

namespace test_support {
namespace {

std::string object_of(adapters::nats::LogStore& store, const model::ObjectMeta& meta) {
    std::string bytes;
    for (model::Sequence from{1}; bytes.size() < meta.size;) {
        auto chunk = store.next_chunk(meta.nuid, from);
        if (!chunk || !*chunk) throw std::runtime_error{meta.name + " has not all of its chunks"};
        bytes += model::to_text((*chunk)->data);
        from = (*chunk)->sequence.next();
    }
    return bytes;
}

}  // namespace

LogImage::LogImage(const std::string& url, const std::string& cluster) {
    auto connection = adapters::nats::Connection::open(
        {.servers = {url}, .name = "log image", .timeout = std::chrono::seconds{5}});
    if (!connection || !eventually([&] { return (*connection)->connected(); })) {
        throw std::runtime_error{"no connection to the store"};
    }
    adapters::nats::LogStore store{*connection, {.bucket = model::store_names(cluster).wal}};
    for (model::Sequence from{1};;) {
        auto meta = store.next_meta(from);
        if (!meta) throw std::runtime_error{meta.error().message};
        if (!*meta) break;
        from = (*meta)->sequence.next();
        const auto entry = model::to_entry((*meta)->meta);
        if (entry.kind == model::LogEntry::Kind::opened) {
            starts_[entry.opened.epoch.value] = entry.opened.start;
        } else if (entry.kind == model::LogEntry::Kind::ltx) {
            const auto bytes = object_of(store, (*meta)->meta);
            if (entry.ltx.level == 0) level0_[entry.ltx.max] = bytes;
            if (entry.ltx.level == 9) snapshots_[entry.ltx.max] = bytes;
        }
    }
}

model::Txid LogImage::last() const {
    return level0_.empty() ? snapshots_.rbegin()->first : level0_.rbegin()->first;
}

model::Txid LogImage::start_of(std::uint64_t epoch) const { return starts_.at(epoch); }

void LogImage::write(model::Txid txid, const std::string& database) const {
    auto base = snapshots_.upper_bound(txid);
    if (base == snapshots_.begin()) throw std::runtime_error{"the log has no snapshot so far back"};
    --base;
    std::vector<const std::string*> files{&base->second};
    for (auto at = base->first.next(); at <= txid; at = at.next()) {
        const auto file = level0_.find(at);
        if (file == level0_.end()) {
            throw std::runtime_error{"the log lacks TXID " + std::to_string(at.value)};
        }
        files.push_back(&file->second);
    }
    std::map<std::uint32_t, model::Bytes> pages;
    model::ltx::Header last;
    for (const auto* const bytes : files) {
        auto file = model::ltx::decode(model::as_bytes(*bytes));
        if (!file) throw std::runtime_error{file.error().message};
        last = file->header;
        for (auto& page : file->pages)
            pages[page.number] = std::move(page.data);
    }
    std::ofstream out{database, std::ios::binary};
    for (std::uint32_t number = 1; number <= last.commit; ++number) {
        const auto page = pages.find(number);
        const auto bytes = page == pages.end() ? model::Bytes(last.page_size) : page->second;
        out << model::to_text(bytes);
    }
}

}  // namespace test_support
