// What nodes and operators write for each other: the state and spec buckets, as records.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/result.h"
#include "model/status.h"

namespace reconcilers::ports {

struct StatusEntry {
    model::NodeStatus status;  // unreadable record: only the node id, from the key, and schema 0
    model::Revision revision;
    bool readable = true;
};

struct SpecEntry {
    model::Spec spec;
    model::Revision revision;  // 0: never written
};

/// Errors of all: as in KvStore. An unreadable record never hides the others.
class ClusterStore {
public:
    virtual ~ClusterStore() = default;

    /// Every `nodes.*`, sorted by node id.
    [[nodiscard]] virtual model::Result<std::vector<StatusEntry>> nodes() = 0;
    [[nodiscard]] virtual model::Result<std::optional<StatusEntry>> node(const std::string& id) = 0;
    /// Compare-and-set of `nodes.<status.node_id>`.
    [[nodiscard]] virtual model::Result<model::Revision> write(const model::NodeStatus& status,
                                                               model::Revision expected) = 0;
    [[nodiscard]] virtual model::Result<void> erase(const std::string& id,
                                                    model::Revision expected) = 0;

    /// corrupt: the spec cannot be read; the last readable one stays in effect.
    [[nodiscard]] virtual model::Result<SpecEntry> spec() = 0;
    [[nodiscard]] virtual model::Result<model::Revision> write(const model::Spec& spec,
                                                               model::Revision expected) = 0;

    virtual void on_change(std::function<void()> wake) = 0;
};

}  // namespace reconcilers::ports
