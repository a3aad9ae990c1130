// A JetStream server in memory: streams with sequences, compare-and-set by the stream's and by the
// subject's last sequence. Deterministic: no thread, no clock, no chance.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "model/bytes.h"
#include "model/object.h"
#include "model/result.h"

namespace sim {

struct SimMessage {
    std::string subject;  // without the bucket: a key, `C.<nuid>` or `M.<name>`
    model::Bytes payload;
    bool delete_marker = false;             // of a KV key
    std::optional<model::ObjectMeta> meta;  // of an object's meta that is readable
    std::uint64_t stored_at = 0;            // counts everything that the server ever stored
};

struct SimPublish {
    SimMessage message;
    std::optional<std::uint64_t> expected_last;             // of the stream
    std::optional<std::uint64_t> expected_last_of_subject;  // 0: none
    bool rollup = false;                                    // removes the subject's older messages
};

struct SimAnswer {
    std::uint64_t sequence = 0;  // 0: refused
    std::string refusal;
};

class SimStream {
public:
    SimStream(std::uint64_t created, std::uint64_t kept_per_subject)
        : created_{created}, kept_per_subject_{kept_per_subject} {}

    SimAnswer publish(SimPublish request, std::uint64_t stored_at);
    void erase(std::uint64_t sequence);
    /// The store forgets its newest message: the last sequence goes back.
    void lose_last();

    [[nodiscard]] std::uint64_t created() const { return created_; }
    [[nodiscard]] std::uint64_t first() const;
    [[nodiscard]] std::uint64_t last() const { return last_; }
    [[nodiscard]] const SimMessage& at(std::uint64_t sequence) const {
        return messages_.at(sequence);
    }
    /// 0: there is none.
    [[nodiscard]] std::uint64_t last_of(std::string_view subject) const;
    [[nodiscard]] std::uint64_t next_of(std::string_view subject, std::uint64_t from) const;
    [[nodiscard]] std::uint64_t next_meta(std::uint64_t from) const;
    [[nodiscard]] std::vector<std::string> subjects() const;

private:
    std::uint64_t created_;
    std::uint64_t kept_per_subject_;  // 0: all
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, SimMessage> messages_;
    std::map<std::string, std::set<std::uint64_t>, std::less<>> by_subject_;
    std::set<std::uint64_t> metas_;
};

class SimServer;

/// What happens to one write of a client.
enum class SimFault : std::uint8_t {
    none,
    request_lost,  // not applied; the client does not know
    answer_lost,   // applied, or refused; the client does not know
    late,          // applied, or refused, when deliver_late() is called; the client does not know
};

/// One client's way to the server: a connection, or all those of a node, as the test likes.
class SimClient {
public:
    SimClient(SimServer& server, std::string name) : server_{server}, name_{std::move(name)} {}
    SimClient(const SimClient&) = delete;
    SimClient& operator=(const SimClient&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }

    /// Cut off: every call is unavailable, no waker is called. Connecting again grows the session.
    void set_partitioned(bool partitioned);
    [[nodiscard]] bool partitioned() const { return partitioned_; }

    /// The next writes, in order; then none. Each piece of an object is one write.
    void fail_next(SimFault fault) { planned_.push_back(fault); }
    void forget_faults() { planned_.clear(); }
    /// Asked for each write when nothing is planned.
    void set_faults(std::function<SimFault()> faults) { faults_ = std::move(faults); }
    /// How many late writes wait.
    [[nodiscard]] std::size_t late() const { return late_.size(); }
    /// Lets the oldest `count` late writes arrive, in order.
    void deliver_late(std::size_t count = SIZE_MAX);
    /// The late writes never arrive.
    void drop_late() { late_.clear(); }

    /// So many pieces of objects are read, then reading one is unavailable.
    void limit_chunks(std::size_t count) { chunks_left_ = count; }
    [[nodiscard]] std::size_t chunks_read() const { return chunks_read_; }

    /// As after a lost connection that came back.
    void reconnect();
    [[nodiscard]] std::uint64_t session() const { return session_; }

    // For the stores.
    [[nodiscard]] SimServer& server() { return server_; }
    void add_waker(std::function<void()> wake) { wakers_.push_back(std::move(wake)); }
    void wake() const;
    /// unavailable: partitioned. unknown_outcome: as the fault says.
    [[nodiscard]] model::Result<SimAnswer> publish(const std::string& stream, SimPublish request);
    /// False: the limit is reached.
    [[nodiscard]] bool count_chunk();

private:
    [[nodiscard]] SimFault next_fault();

    SimServer& server_;
    std::string name_;
    bool partitioned_ = false;
    std::uint64_t session_ = 1;
    std::deque<SimFault> planned_;
    std::function<SimFault()> faults_;
    std::deque<std::pair<std::string, SimPublish>> late_;
    std::vector<std::function<void()>> wakers_;
    std::size_t chunks_left_ = SIZE_MAX;
    std::size_t chunks_read_ = 0;
};

/// Outlives its clients and their stores.
class SimServer {
public:
    /// Kept by the server; the same name gives the same client.
    [[nodiscard]] SimClient& client(const std::string& name);

    /// Makes a stream where it is absent.
    SimStream& ensure(const std::string& stream, std::uint64_t kept_per_subject);
    /// Null where it is absent.
    [[nodiscard]] SimStream* find(const std::string& stream);
    void remove(const std::string& stream) { streams_.erase(stream); }

    /// Publishes as a stranger would: no fault, no client.
    SimAnswer publish(const std::string& stream, SimPublish request);

    /// 22 characters, another one at each call.
    [[nodiscard]] std::string new_nuid();

    /// Everybody reconnects.
    void restart();
    /// The store forgets the newest message of a stream, as a server that lost unsynced data does.
    void lose_last(const std::string& stream);

private:
    std::map<std::string, SimStream> streams_;
    std::map<std::string, std::unique_ptr<SimClient>> clients_;
    std::uint64_t streams_made_ = 0;
    std::uint64_t stored_ = 0;
    std::uint64_t nuids_ = 0;
};

}  // namespace sim
