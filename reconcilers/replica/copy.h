// The copy at replicaPath: LTX files applied in place, and its first making from a snapshot. What
// was torn by a crash is repaired by applying the same file again. Rules S9, D5 of
// docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/ltx/decoder.h"
#include "model/result.h"
#include "reconcilers/ports/files.h"
#include "reconcilers/ports/log_store.h"
#include "reconcilers/replica/local.h"
#include "reconcilers/replica/log_reader.h"

namespace reconcilers::replica {

class CopyFile {
public:
    CopyFile(Local& local, ports::Files& files, ports::LogStore& store)
        : local_{local}, files_{files}, store_{store} {}

    /// Takes up what the standing says. `rebuild`: why it can not be used, or "".
    void load();

    /// A copy exists, whole or being made.
    [[nodiscard]] bool exists() const { return copy_.has_value(); }
    /// It is a whole database at position() (C39).
    [[nodiscard]] bool whole() const { return copy_ && !building_ && !torn_; }
    [[nodiscard]] model::Position position() const {
        return copy_ ? copy_->position : model::Position{};
    }
    [[nodiscard]] const std::string& nuid() const { return copy_->nuid; }

    /// Applies one level 0 file, which must follow position(). `after`: the log's state with it.
    /// Returns the bytes downloaded. Errors as in Download and Decoder; the copy is then as torn as
    /// before, and the same call mends it.
    [[nodiscard]] model::Result<std::uint64_t> apply(const model::StoredMeta& meta,
                                                     const model::LtxObject& facts,
                                                     const LogState& after);

    /// The tenure under which the log goes on, once its opened was read.
    void enter(model::Tenure tenure) {
        if (copy_) copy_->position.tenure = tenure;
    }

    /// The end of the log was reached: a copy being made is complete; an idle one is noted as
    /// clean. Returns false where a torn copy found nothing to mend it with: it must be made anew.
    [[nodiscard]] model::Result<bool> reached_end(const LogState& log);

    /// Begins to make the copy anew from a snapshot.
    [[nodiscard]] model::Result<void> begin(const model::StoredMeta& snapshot,
                                            const model::LtxObject& facts);
    /// Goes on with it, a bounded piece. True: the snapshot is in place; read the log from its
    /// start.
    [[nodiscard]] model::Result<bool> download();
    [[nodiscard]] bool downloading() const { return download_.has_value(); }
    [[nodiscard]] std::uint64_t received() const { return download_ ? download_->received() : 0; }
    [[nodiscard]] std::uint64_t total() const {
        return download_ ? download_->meta().meta.size : 0;
    }

    void forget() {
        copy_.reset();
        download_.reset();
        building_ = false;
        torn_ = false;
    }
    [[nodiscard]] std::optional<Copy> record() const {
        return building_ ? std::optional<Copy>{} : copy_;
    }

private:
    [[nodiscard]] model::Result<void> write_page(std::uint32_t number, model::ByteView page);

    Local& local_;
    ports::Files& files_;
    ports::LogStore& store_;
    std::optional<Copy> copy_;
    bool building_ = false;  // nothing of it is recorded yet
    bool torn_ = false;      // pages of a file beyond position() may be in it

    std::optional<Download> download_;
    model::LtxObject snapshot_;
    std::optional<model::ltx::Decoder> decoder_;
};

}  // namespace reconcilers::replica
