// The service registry as a node reads and writes it: the bucket `convex-<cid>-services`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "model/service.h"

namespace reconcilers::ports {

struct StoredService {
    model::ServiceEntry entry;
    model::Revision revision;
    friend bool operator==(const StoredService&, const StoredService&) = default;
};

/// What happened to the bucket since it was asked last.
struct ServiceChanges {
    /// The rest is all there is, and what was known before is void. Else it is what changed.
    bool whole = false;
    std::vector<StoredService> written;
    struct Erased {
        std::string key;
        model::Revision revision;  // of the erasure
    };
    std::vector<Erased> erased;
    std::vector<model::UnreadableService> unreadable;
};

class ServiceStore {
public:
    virtual ~ServiceStore() = default;

    /// Costs what changed, not what there is. Does not block.
    /// unavailable: the bucket was not read to its end on the present connection, or is not there
    [[nodiscard]] virtual model::Result<ServiceChanges> changes() = 0;

    /// Writes whatever is there: only an entry's node writes it.
    /// unavailable: it was not sent. unknown_outcome: it may be applied.
    [[nodiscard]] virtual model::Result<model::Revision> write(
        const model::ServiceEntry& entry) = 0;

    /// conflict: it was written since `expected`. The others as in write().
    [[nodiscard]] virtual model::Result<void> erase(const std::string& key,
                                                    model::Revision expected) = 0;

    /// Calls `wake` from any thread when there may be changes. It must not block.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
