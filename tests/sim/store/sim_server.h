// A JetStream server in memory: streams with sequences, compare-and-set by the last sequence of a
// stream and of a subject. Deterministic: no thread, clock or random numbers.
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
#include "model/store_identity.h"

namespace sim {

struct SimMessage {
    std::string subject;  // without the bucket's prefix: a key, `C.<nuid>` or `M.<name>`
    model::Bytes payload;
    bool delete_marker = false;             // of a KV key
    std::optional<model::ObjectMeta> meta;  // for a readable meta of an object
    std::uint64_t stored_at = 0;            // counts all messages ever stored by the server
};

struct SimPublish {
    SimMessage message;
    std::optional<std::uint64_t> expected_last;             // of the stream
    std::optional<std::uint64_t> expected_last_of_subject;  // 0: the subject has none
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
    /// The stream loses its newest message: the last sequence decreases.
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
    std::uint64_t kept_per_subject_;  // 0: unlimited
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

/// A client's connection to the server; may stand for all connections of a node.
class SimClient {
public:
    SimClient(SimServer& server, std::string name) : server_{&server}, name_{std::move(name)} {}
    SimClient(const SimClient&) = delete;
    SimClient& operator=(const SimClient&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }

    /// Partitioned: every call is unavailable, no waker is called. Reconnecting increases the
    /// generation.
    void set_partitioned(bool partitioned);
    [[nodiscard]] bool partitioned() const { return partitioned_; }

    /// Faults of the next writes, in order. Each piece of an object is one write.
    void fail_next(SimFault fault) { planned_.push_back(fault); }
    void forget_faults() { planned_.clear(); }
    /// Chooses the fault of each write for which none is planned.
    void set_faults(std::function<SimFault()> faults) { faults_ = std::move(faults); }
    /// Number of late writes that have not arrived.
    [[nodiscard]] std::size_t late() const { return late_.size(); }
    /// Lets the oldest `count` late writes arrive, in order.
    void deliver_late(std::size_t count = SIZE_MAX);
    /// The late writes never arrive.
    void drop_late() { late_.clear(); }

    /// After reading so many pieces of objects, reading another one is unavailable.
    void limit_chunks(std::size_t count) { chunks_left_ = count; }
    [[nodiscard]] std::size_t chunks_read() const { return chunks_read_; }

    /// Simulates a lost and restored connection.
    void reconnect();
    /// Reconnects to another server. Both servers must outlive this client.
    void move_to(SimServer& server);
    [[nodiscard]] std::uint64_t connection_generation() const { return generation_; }

    /// From now on each connect, the present one included, is unusable until admitted (L12).
    void require_admission() { admitted_in_ = 0; }
    void admit() { admitted_in_ = generation_; }
    [[nodiscard]] bool admitted() const { return !admitted_in_ || *admitted_in_ == generation_; }

    // For the simulated stores.
    [[nodiscard]] SimServer& server() { return *server_; }
    /// Why it cannot be used; "" it can.
    [[nodiscard]] std::string down() const;
    void add_waker(std::function<void()> wake) { wakers_.push_back(std::move(wake)); }
    void wake() const;
    /// unavailable: partitioned. unknown_outcome: by a fault.
    [[nodiscard]] model::Result<SimAnswer> publish(const std::string& stream, SimPublish request);
    /// False: the limit is reached.
    [[nodiscard]] bool count_chunk();

private:
    [[nodiscard]] SimFault next_fault();

    SimServer* server_;
    std::string name_;
    bool partitioned_ = false;
    std::uint64_t generation_ = 1;
    std::optional<std::uint64_t> admitted_in_;  // empty: no admission is required
    std::deque<SimFault> planned_;
    std::function<SimFault()> faults_;
    struct Late {
        SimServer* server;
        std::string stream;
        SimPublish request;
    };
    std::deque<Late> late_;
    std::vector<std::function<void()>> wakers_;
    std::size_t chunks_left_ = SIZE_MAX;
    std::size_t chunks_read_ = 0;
};

/// Must outlive its clients and their stores.
class SimServer {
public:
    /// `name` distinguishes it from other servers.
    explicit SimServer(std::string name = {}) : name_{std::move(name)} {}
    [[nodiscard]] const std::string& name() const { return name_; }

    /// While down, all calls of its clients fail.
    void set_down(bool down);
    [[nodiscard]] bool down() const { return down_; }

    /// The creation time of a stream, as this server reports it.
    [[nodiscard]] std::string created(const SimStream& stream) const;
    /// The identity of these streams.
    [[nodiscard]] model::StoreIdentity identity(const std::string& election,
                                                const std::string& state,
                                                const std::string& log);

    /// A client owned by the server; the same name gives the same client.
    [[nodiscard]] SimClient& client(const std::string& name);

    /// Creates the stream where it is absent.
    SimStream& ensure(const std::string& stream, std::uint64_t kept_per_subject);
    /// Null where it is absent.
    [[nodiscard]] SimStream* find(const std::string& stream);
    void remove(const std::string& stream) { streams_.erase(stream); }

    /// Publishes as another tool would: without faults and without a client.
    SimAnswer publish(const std::string& stream, SimPublish request);

    /// 22 characters, different at each call.
    [[nodiscard]] std::string new_nuid();

    /// All clients reconnect.
    void restart();
    /// The stream loses its newest message, as after a server lost unsynced data.
    void lose_last(const std::string& stream);

private:
    std::string name_;
    bool down_ = false;
    std::map<std::string, SimStream> streams_;
    std::map<std::string, std::unique_ptr<SimClient>> clients_;
    std::uint64_t streams_created_ = 0;
    std::uint64_t stored_ = 0;
    std::uint64_t nuids_ = 0;
};

}  // namespace sim
