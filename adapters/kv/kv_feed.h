// What changes in one bucket of the cluster's KV store, as it changes: nothing is asked for.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "model/bytes.h"
#include "model/ids.h"
#include "model/result.h"

namespace adapters::kv {

struct KvChange {
    std::string key;
    model::Revision revision;
    bool erased = false;
    std::size_t size = 0;  // of the value
    model::Bytes value;    // empty where it is larger than the feed takes
};

struct KvChanges {
    /// The rest is all that the bucket holds, and what was known before is void.
    bool whole = false;
    std::vector<KvChange> changes;  // of each key the newest alone
};

class KvFeed {
public:
    virtual ~KvFeed() = default;

    /// What changed since the last call; of the first one, and after the session was lost, all
    /// there is. Does not block.
    /// unavailable: it was not read to its end in this session
    [[nodiscard]] virtual model::Result<KvChanges> take() = 0;

    /// Calls `wake` from any thread when take() may have something new, and when the session
    /// changed. One waker; it must not block.
    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace adapters::kv
