#include "reconcilers/replica/copy.h"

#include <utility>

#include "model/path_text.h"

namespace reconcilers::replica {
namespace {

using model::Bytes;
using model::Errc;
using model::Result;

constexpr std::uint64_t download_slice = 4U << 20U;

}  // namespace

void CopyFile::load() {
    forget();
    copy_ = local_.progress().copy;
    if (!copy_) return;
    // After a crash in the same boot `applying` is exact; after a power cut only `clean` can be
    // trusted.
    torn_ = local_.same_boot() ? !copy_->applying.empty() : !copy_->clean;
}

Result<void> CopyFile::write_page(std::uint32_t number, model::ByteView page) {
    return files_.write_at(local_.paths().replica, std::uint64_t{number - 1} * page.size(), page);
}

Result<std::uint64_t> CopyFile::apply(const model::StoredMeta& meta,
                                      const model::LtxObject& facts,
                                      const LogState& after) {
    Bytes bytes;
    Download download{meta};
    for (;;) {
        auto all = download.read(store_, download_slice, bytes);
        if (!all) return std::move(all).error();
        if (*all) break;
    }
    auto file = model::ltx::decode(bytes);
    if (!file) return std::move(file).error().during(meta.meta.name);
    if (file->header.max != facts.max || file->header.min != facts.min) {
        return model::error(Errc::corrupt, meta.meta.name + ": its header names other TXIDs");
    }
    if (!building_) {
        auto marked = *copy_;
        marked.applying = meta.meta.nuid;
        marked.clean = false;
        // Written durably only where the copy was marked clean: while more files keep coming, the
        // durable record already says that it is not.
        if (auto saved = local_.save(local_.progress().log, marked, copy_->clean); !saved) {
            return std::move(saved).error();
        }
        copy_ = marked;
        torn_ = true;
    }
    for (const auto& page : file->pages) {
        if (auto written = write_page(page.number, page.data); !written) {
            return std::move(written).error();
        }
    }
    const auto& replica = local_.paths().replica;
    if (auto cut =
            files_.truncate(replica, std::uint64_t{file->header.commit} * file->header.page_size);
        !cut) {
        return std::move(cut).error();
    }
    auto next = *copy_;
    next.position.txid = facts.max;
    next.nuid = meta.meta.nuid;
    next.applying.clear();
    if (!building_) {
        if (auto synced = files_.sync(replica); !synced) return std::move(synced).error();
        if (auto saved = local_.save(after, next, true); !saved) return std::move(saved).error();
        torn_ = false;
    }
    copy_ = std::move(next);
    return download.received();
}

Result<bool> CopyFile::reached_end(const LogState& log) {
    if (!copy_ || downloading()) return true;
    if (torn_) return false;
    if (building_) {
        if (auto synced = files_.sync(local_.paths().replica); !synced) {
            return std::move(synced).error();
        }
        if (auto synced = files_.sync_directory(model::directory_of(local_.paths().replica));
            !synced) {
            return std::move(synced).error();
        }
        copy_->clean = true;
        if (auto saved = local_.save(log, copy_, true); !saved) return std::move(saved).error();
        building_ = false;
    } else if (!copy_->clean) {
        copy_->clean = true;
        if (auto saved = local_.save(log, copy_, true); !saved) return std::move(saved).error();
    }
    return true;
}

Result<void> CopyFile::begin(const model::StoredMeta& snapshot, const model::LtxObject& facts) {
    forget();
    // The record is removed first: a file without a record is not used as a copy.
    if (auto saved = local_.save(local_.progress().log, {}, true); !saved) return saved;
    for (const auto* suffix : {"", "-journal", "-wal", "-shm"}) {
        if (auto removed = files_.remove(local_.paths().replica + suffix); !removed) return removed;
    }
    snapshot_ = facts;
    download_.emplace(snapshot);
    decoder_.emplace();
    building_ = true;
    return {};
}

Result<bool> CopyFile::download() {
    Bytes bytes;
    auto all = download_->read(store_, download_slice, bytes);
    if (!all) return std::move(all).error();
    auto fed = decoder_->feed(bytes, [this](std::uint32_t number, model::ByteView page) {
        return write_page(number, page);
    });
    if (!fed) {
        auto failed = std::move(fed).error().during(download_->meta().meta.name);
        // A decoder does not recover from a page that could not be written: start the download
        // again.
        if (failed.code != Errc::corrupt) forget();
        return failed;
    }
    if (!*all) return false;
    if (auto done = decoder_->finish(); !done) {
        return std::move(done).error().during(download_->meta().meta.name);
    }
    const auto& header = *decoder_->header();
    if (header.max != snapshot_.max || !header.snapshot()) {
        return model::error(Errc::corrupt,
                            download_->meta().meta.name + ": its header names other TXIDs");
    }
    if (auto cut = files_.truncate(local_.paths().replica,
                                   std::uint64_t{header.commit} * header.page_size);
        !cut) {
        return std::move(cut).error();
    }
    copy_ = Copy{.position = {.tenure = snapshot_.tenure, .txid = snapshot_.max},
                 .nuid = snapshot_.l0_nuid};
    download_.reset();
    decoder_.reset();
    return true;
}

}  // namespace reconcilers::replica
