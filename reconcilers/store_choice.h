// Which of several servers a command may use: pure, no I/O. A command is short, and makes one
// connection: it asks all servers once and then uses one store. Rule L12 of docs/protocol.md.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/result.h"
#include "model/store_identity.h"

namespace reconcilers {

/// One of nats.servers, as it answered; an error: it did not, and why.
struct ServerAnswer {
    std::string name;
    model::Result<model::StoreIdentity> found;
};

struct StoreChoice {
    enum class Verdict : std::uint8_t {
        use,
        silent,  // no server answers: nothing can be said
        refuse,  // they are not one store, and nothing tells which of them is the cluster's
    };
    Verdict verdict = Verdict::silent;
    std::vector<std::size_t> servers;  // use: those that may be connected to, by their place
    model::StoreIdentity identity;     // use: what a connect has to find; no stream: none is there
    std::string why;                   // silent, refuse: for people
};

/// remembered_log: creation time of the log that this node has read; "" none. Its store is used
/// where a server has it. Where every server answers and none has it, it is no more: as without
/// one, all that answer have to be one store. A server that does not answer may still be connected
/// to, and has to show then what it is.
[[nodiscard]] StoreChoice choose_store(const std::vector<ServerAnswer>& servers,
                                       const std::string& remembered_log);

}  // namespace reconcilers
