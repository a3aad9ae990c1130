// What is known about the store that this node's connections reach: whether all reach the same one,
// and whether it is the cluster's. Rule L12 of docs/protocol.md.
#pragma once

#include <string>

#include "model/store_identity.h"

namespace reconcilers::ports {

struct StoreView {
    model::StoreIdentity identity;  // the store that this node uses; no stream: not chosen yet
    /// Which servers belong to another store, and what that store contains; "" none that answered.
    std::string differs;
    bool other_log = false;  // one of them has a log of this cluster
    // connections that reached a different store and wait for another server
    std::string kept_out;
    /// Which of nats.servers have not yet been shown to belong to the same store; "" none.
    std::string unconfirmed;
    friend bool operator==(const StoreView&, const StoreView&) = default;
};

class StoreCheck {
public:
    virtual ~StoreCheck() = default;
    /// The present view. Blocks only for a lock.
    [[nodiscard]] virtual StoreView view() = 0;
};

}  // namespace reconcilers::ports
