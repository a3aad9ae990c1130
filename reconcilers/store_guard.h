// Decides at each connect whether the server that was reached has the store that this node uses;
// pure, no I/O. A connection to another store counts as down. Rule L12 of docs/protocol.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "model/store_identity.h"
#include "reconcilers/ports/store_check.h"

namespace reconcilers {

/// The connections of a node.
enum class StoreUse : std::uint8_t { role, control, log, registry };
inline constexpr std::array all_store_uses{
    StoreUse::role, StoreUse::control, StoreUse::log, StoreUse::registry};
[[nodiscard]] std::string_view to_text(StoreUse use);

class StoreGuard {
public:
    /// servers         nats.servers in order, as a connection names them, without logins
    /// remembered_log  creation time of the log that this node has read; "" none
    StoreGuard(const std::vector<std::string>& servers, const std::string& remembered_log);

    enum class Verdict : std::uint8_t {
        admitted,
        wait,   // not decided yet: ask again on this connection
        leave,  // another store: try the next server
    };
    struct Answer {
        Verdict verdict = Verdict::wait;
        std::string why;  // for people; "" if admitted
    };
    /// Incremented when a store becomes known or is given up: reads from before that are void,
    /// since a server that was read as empty may have got its first stream meanwhile.
    [[nodiscard]] std::uint64_t round() const { return round_; }

    /// Incremented when a store is given up: admitted connections must be admitted again.
    [[nodiscard]] std::uint64_t given_up() const { return given_up_; }

    /// A connection is up; `here` is what it reached, read after `round` was.
    [[nodiscard]] Answer reached(StoreUse use,
                                 const std::string& server,
                                 const model::StoreIdentity& here,
                                 std::uint64_t round);
    /// The connection is down.
    void lost(StoreUse use);

    /// Indices of servers to ask over separate connections, since all the node's own connections
    /// may be on one of them.
    [[nodiscard]] std::vector<std::size_t> to_survey() const;
    void surveyed(std::size_t server,
                  const model::Result<model::StoreIdentity>& found,
                  std::uint64_t round);

    [[nodiscard]] ports::StoreView view() const;

private:
    struct Server {
        std::string name;
        bool tried = false;
        std::optional<model::StoreIdentity> found;  // from its last answer
        std::string silent_because;                 // why it did not answer last time
        bool again = false;  // a connection was refused since its last answer
        void answered(const model::StoreIdentity& here);
    };
    struct Connection {
        bool admitted = false;
        int refused = 0;  // refused connects since the last admission
        std::string met;  // the server at which it was refused; "" none
        model::StoreIdentity there;
    };

    [[nodiscard]] Answer judge(StoreUse use,
                               const std::string& server,
                               const model::StoreIdentity& here);
    [[nodiscard]] std::optional<Answer> choose(StoreUse use, const model::StoreIdentity& here);
    void use_store(const model::StoreIdentity& identity);
    void note(const std::string& server, const model::StoreIdentity& here);
    [[nodiscard]] bool nowhere() const;
    [[nodiscard]] bool differs(const model::StoreIdentity& identity) const;
    [[nodiscard]] Connection& at(StoreUse use) {
        return connections_[static_cast<std::size_t>(use)];
    }

    std::vector<Server> servers_;
    model::StoreIdentity known_;
    std::uint64_t round_ = 1;
    std::uint64_t given_up_ = 0;
    std::array<Connection, all_store_uses.size()> connections_;
};

}  // namespace reconcilers
