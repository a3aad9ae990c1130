// The replica reconciler: the node's data. Follows the log while another node is primary; seals,
// promotes and ships while this one is; and decides what becomes of data that is not the log's.
// Rules S4 to S10 and D1 to D10 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/database.h"
#include "reconcilers/ports/events.h"
#include "reconcilers/ports/files.h"
#include "reconcilers/ports/log_store.h"
#include "reconcilers/replica/copy.h"
#include "reconcilers/replica/local.h"
#include "reconcilers/replica/log_reader.h"
#include "reconcilers/replica/shipper.h"

namespace reconcilers::replica {

struct Settings {
    std::string node_id;
    Paths paths;
    std::string boot_id;
    model::Duration ttl{};  // D10: how long a node waits before a database is made
    model::Duration snapshot_interval{};
};

struct Ports {
    ports::LogStore& store;
    ports::Files& files;
    ports::Database& database;
    ports::Clock& clock;
    ports::Events& events;
};

class ReplicaReconciler {
public:
    ReplicaReconciler(Settings settings, Ports ports);

    struct Pass {
        ReplicaView view;
        model::Instant wake_at;
    };
    /// One bounded pass: every call in it lasts 500 ms at most, and it looks at the lease between
    /// them.
    [[nodiscard]] Pass step(const Board& board);

private:
    enum class Phase : std::uint8_t {
        opening,     // the local records were not read yet
        following,   // no lease
        marking,     // S4: publish the marker
        confirming,  // renew the lease after it
        reading,     // read and apply everything up to F
        deciding,    // D2
        opened,      // publish opened, expecting F
        promoting,   // the data of the new tenure into place
        creating,    // D10: the backend makes the database
        attaching,   // WAL mode, then capture
        shipping,
    };
    struct Seal {
        model::Sequence fence;  // F
        std::uint64_t confirm = 0;
        model::Tenure tenure;  // decided
        bool in_place = false;
        bool first_start = false;
    };
    /// What a slice of work came to.
    enum class Turn : std::uint8_t { more, idle, retry };

    [[nodiscard]] Turn turn(const Board& board);
    [[nodiscard]] Turn open();
    [[nodiscard]] Turn follow(const Board& board);
    [[nodiscard]] Turn read_log(const Board& board, std::optional<model::Sequence> until);
    [[nodiscard]] Turn take(const Board& board, const model::StoredMeta& meta);
    [[nodiscard]] Turn leave_tenure(const Board& board);
    [[nodiscard]] Turn drop_copy(std::string_view why);
    /// What was downloaded for the copy could not be kept: not at once again.
    void put_off_copy();
    [[nodiscard]] Turn mark();
    [[nodiscard]] Turn confirm(const Board& board);
    [[nodiscard]] Turn read_to_fence(const Board& board);
    [[nodiscard]] Turn decide(const Board& board);
    [[nodiscard]] Turn publish_opened(const Board& board);
    [[nodiscard]] Turn promote(const Board& board);
    [[nodiscard]] Turn create(const Board& board);
    [[nodiscard]] Turn attach(const Board& board);
    [[nodiscard]] Turn ship(const Board& board);

    void begin_seal(const Board& board);
    /// Asks for the backend's end by `flag`; true once a look that knew of it found it dead.
    [[nodiscard]] bool stopped(const Board& board, bool& flag);
    /// The backend is dead for this step-down.
    [[nodiscard]] bool drained(const Board& board) const;
    void lose_lease(const Board& board);
    void raise_alarm(std::string reason);
    void tell_set_aside(const model::Position& at);
    [[nodiscard]] model::Result<bool> tail_is_here(const LogState& log);
    [[nodiscard]] Turn failed(const model::Error& error, std::string_view during);
    void enter(Phase phase);
    [[nodiscard]] bool someone_has_data(const Board& board, std::string* who) const;
    [[nodiscard]] bool everyone_had_time(const Board& board) const;
    void judge_fitness(const Board& board);
    [[nodiscard]] ReplicaView view(const Board& board);
    [[nodiscard]] model::Position own_position() const;

    Settings settings_;
    Ports ports_;
    Local local_;
    LogReader reader_;
    CopyFile copy_;
    Shipper shipper_;

    Phase phase_ = Phase::opening;
    model::Epoch epoch_;  // of the lease under which the present seal is made
    Seal seal_;
    bool data_ = false;       // a database is at dataPath
    model::Txid data_txid_;   // the last TXID captured from it
    bool read_anew_ = false;  // the memory is compared with the store, then the whole log is read
    bool at_end_ = false;     // the log was read to its end in this session
    /// D4, while a database of an older tenure is at dataPath: what the log held at its end.
    struct End {
        model::Txid txid;
        std::string nuid;
        std::optional<model::WalPosition> at;
    };
    std::optional<End> own_end_;
    /// The backend of the last tenure here died without a commit since the WAL was last empty: seen
    /// by this process, under its pin. Such a WAL proves nothing to a later one.
    bool unwritten_ = false;
    model::Duration copy_pause_{};  // zero: the last download was kept
    model::Instant copy_after_{};
    std::uint64_t confirm_wanted_ = 0;
    std::optional<model::Epoch> raise_;
    bool cannot_promote_ = false;
    bool backend_must_stop_ = false;
    std::uint64_t stop_wanted_ = 0;
    bool create_wanted_ = false;
    bool conversion_wanted_ = false;
    bool fencing_ = false;  // the lease is lost; the write fence is held until the backend is dead
    model::Epoch promoted_;
    model::Epoch swept_;
    std::string alarm_;
    std::string message_;
    bool fit_ = false;
    std::string unfit_because_;
    model::Instant behind_since_{};  // {}: not behind
    std::vector<std::string> set_aside_;
    std::string last_error_;
};

}  // namespace reconcilers::replica
