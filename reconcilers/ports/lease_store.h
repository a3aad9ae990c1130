// The record of the election bucket, on a connection used for nothing else; every call returns
// within 500 ms.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "model/ids.h"
#include "model/lease.h"
#include "model/result.h"

namespace reconcilers::ports {

/// The result of a read. A value that is not a record of this program (an older manager's, or
/// garbage) counts as a record held by another node, with its revision as the nonce.
struct LeaseEntry {
    std::optional<model::LeaseRecord> record;  // empty: the key does not exist
    model::Revision revision;                  // to expect in write(); 0: never written
    friend bool operator==(const LeaseEntry&, const LeaseEntry&) = default;
};

class LeaseStore {
public:
    virtual ~LeaseStore() = default;

    /// Answered by the stream's leader. unavailable: nothing is known.
    [[nodiscard]] virtual model::Result<LeaseEntry> read() = 0;

    /// Compare-and-set. conflict, unavailable, unknown_outcome: as in KvStore::update.
    [[nodiscard]] virtual model::Result<model::Revision> write(const model::LeaseRecord& record,
                                                               model::Revision expected) = 0;

    /// Grows with each reconnect; what was read or sent under an older number is void (L7).
    [[nodiscard]] virtual std::uint64_t connection_generation() const = 0;
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
