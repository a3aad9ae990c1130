// The copy at replicaPath: created from a snapshot, then LTX files applied in place. Applying the
// same file again repairs a copy that a crash left torn. Rules S9, D5 of docs/protocol.md.
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

    /// Initialises from the saved replica progress.
    void load();

    /// A copy exists, complete or still being created.
    [[nodiscard]] bool exists() const { return copy_.has_value(); }
    /// The copy is a complete database at position() (C39).
    [[nodiscard]] bool whole() const { return copy_ && !building_ && !torn_; }
    [[nodiscard]] model::Position position() const {
        return copy_ ? copy_->position : model::Position{};
    }
    [[nodiscard]] const std::string& nuid() const { return copy_->nuid; }

    /// Applies one level 0 file, which must follow position(). `after`: the log's state with that
    /// file. Returns the bytes downloaded. Errors as in Download and Decoder; the copy may then be
    /// torn, and repeating the call repairs it.
    [[nodiscard]] model::Result<std::uint64_t> apply(const model::StoredMeta& meta,
                                                     const model::LtxObject& facts,
                                                     const LogState& after);

    /// Records the tenure under which the log continues, once its opened record was read.
    void enter(model::Tenure tenure) {
        if (copy_) copy_->position.tenure = tenure;
    }

    /// Call when the end of the log is reached: a copy being created is then complete; an idle one
    /// is recorded as clean. Returns false for a torn copy for which no file came that would repair
    /// it: it must be created again.
    [[nodiscard]] model::Result<bool> reached_end(const LogState& log);

    /// Begins to create the copy from a snapshot.
    [[nodiscard]] model::Result<void> begin(const model::StoredMeta& snapshot,
                                            const model::LtxObject& facts);
    /// Downloads a bounded piece of the snapshot. True: it is complete; read the log from its
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
    bool building_ = false;  // no record of it is written yet
    bool torn_ = false;      // it may contain pages of a file after position()

    std::optional<Download> download_;
    model::LtxObject snapshot_;
    std::optional<model::ltx::Decoder> decoder_;
};

}  // namespace reconcilers::replica
