// The replica reconciler, which manages the node's data: follows the log while another node is
// primary; seals, promotes and ships while this one is; and decides what to do with data that is
// not in the log. Rules S4 to S10 and D1 to D10 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/time.h"
#include "reconcilers/board.h"
#include "reconcilers/outage.h"
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
    model::Duration ttl{};  // D10: how long a node waits before it lets a database be created
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
    /// One bounded pass: every call in it takes at most 500 ms, and the lease is checked between
    /// calls.
    [[nodiscard]] Pass step(const Board& board);

private:
    enum class Phase : std::uint8_t {
        opening,         // the local records are not read yet
        following,       // no lease
        marking,         // S4: publish the marker
        confirming,      // confirm the lease by a renewal after the marker
        reading,         // read and apply the log up to F
        deciding,        // D2
        opening_tenure,  // publish opened, expecting F
        promoting,       // put the data of the new tenure into place
        creating,        // D10: the backend creates the database
        attaching,       // convert to WAL mode if needed, then start capture
        shipping,
    };
    struct Seal {
        model::Sequence marker_sequence;  // F
        std::uint64_t confirm = 0;
        model::Tenure tenure;  // as decided in `deciding`
        bool in_place = false;
        bool first_start = false;
    };
    /// Result of one step of work.
    enum class Turn : std::uint8_t { more, idle, retry };

    [[nodiscard]] Turn turn(const Board& board);
    [[nodiscard]] Turn open();
    [[nodiscard]] Turn follow(const Board& board);
    [[nodiscard]] Turn read_log(const Board& board, std::optional<model::Sequence> until);
    [[nodiscard]] Turn take(const Board& board, const model::StoredMeta& meta);
    [[nodiscard]] Turn leave_tenure(const Board& board);
    [[nodiscard]] Turn drop_copy(std::string_view why);
    /// The downloaded copy could not be stored: wait before the next attempt.
    void put_off_copy();
    [[nodiscard]] Turn mark();
    [[nodiscard]] Turn confirm(const Board& board);
    [[nodiscard]] Turn read_to_marker(const Board& board);
    [[nodiscard]] Turn decide(const Board& board);
    [[nodiscard]] Turn publish_opened(const Board& board);
    [[nodiscard]] Turn promote(const Board& board);
    [[nodiscard]] Turn create(const Board& board);
    [[nodiscard]] Turn attach(const Board& board);
    [[nodiscard]] Turn ship(const Board& board);

    void begin_seal(const Board& board);
    /// Requests the backend's stop by `flag`; true once a backend view made after the request shows
    /// it dead.
    [[nodiscard]] bool stopped(const Board& board, bool& flag);
    /// The backend is dead in the present step-down.
    [[nodiscard]] bool drained(const Board& board) const;
    void lose_lease(const Board& board);
    void count_progress();
    void raise_alarm(std::string reason);
    void report_set_aside(const model::Position& at);
    [[nodiscard]] model::Result<bool> tail_is_here(const LogState& log);
    [[nodiscard]] Turn failed(const model::Error& error, std::string_view during);
    void enter(Phase phase);
    [[nodiscard]] bool someone_has_data(const Board& board, std::string* who) const;
    [[nodiscard]] bool everyone_had_time(const Board& board) const;
    [[nodiscard]] bool log_lacks_tenure();
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
    bool data_ = false;      // a database is at dataPath
    model::Txid data_txid_;  // the last TXID captured from the database
    // verify the saved state (S9), then read the whole log from its start
    bool read_anew_ = false;
    bool at_end_ = false;  // the log was read to its end in this connection generation
    /// D4, while a database of an older tenure is at dataPath: the end of its tenure in the log.
    struct End {
        model::Txid txid;
        std::string nuid;
        std::optional<model::WalPosition> at;
    };
    std::optional<End> own_end_;
    /// The backend of the last tenure here died without a commit since the WAL was last empty.
    /// Known only to the process that held the pin: the WAL itself does not prove it later.
    bool unwritten_ = false;
    model::Duration copy_pause_{};  // zero: the last download was stored
    model::Instant copy_after_{};
    std::uint64_t confirm_wanted_ = 0;
    std::optional<model::Epoch> raise_;
    bool cannot_promote_ = false;
    bool backend_must_stop_ = false;
    std::uint64_t stop_wanted_ = 0;
    bool create_wanted_ = false;
    bool conversion_wanted_ = false;
    bool lease_lost_ =
        false;  // the lease is lost; the write lock is held until the backend is dead
    model::Epoch promoted_;
    StepDown flushed_;
    /// What counts as progress. Entering a phase again in the same epoch does not.
    struct Achieved {
        int phase = 0;
        model::Sequence read;
        model::Txid txid;
        std::uint64_t received = 0;
        std::uint64_t shipped = 0;
        friend bool operator==(const Achieved&, const Achieved&) = default;
    };
    Achieved achieved_;
    std::uint64_t progress_ = 0;
    std::uint64_t seals_ = 0;  // in this epoch
    std::string failing_in_;   // phase of the last failure, whose text is failure_; "" none
    std::string failure_;
    std::string alarm_;
    std::string message_;
    bool fit_ = false;
    std::string unfit_because_;
    model::Instant behind_since_{};  // {}: not behind
    std::vector<std::string> set_aside_;
    Outage outage_;  // of the step under way
};

}  // namespace reconcilers::replica
