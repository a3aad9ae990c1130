// Valid names of clusters and nodes, and the names in NATS that are made of them.
#pragma once

#include <string>
#include <string_view>

namespace model {

/// The buckets of a cluster in NATS.
struct StoreNames {
    std::string election;  // KV: the lease, and nothing else
    std::string state;     // KV: the status of each node
    std::string spec;      // KV: requests of operators
    std::string wal;       // object store
    std::string services;  // KV: the service registry
};
[[nodiscard]] StoreNames store_names(std::string_view cluster_id);

/// The JetStream streams whose creation times identify a store (L12).
struct StreamNames {
    std::string election;
    std::string state;
    std::string log;
};
[[nodiscard]] StreamNames stream_names(std::string_view cluster_id);

/// The subject on which a node's daemon answers with its status.
[[nodiscard]] std::string status_subject(std::string_view cluster_id, std::string_view node_id);
/// The same of its other verbs: `ping`, `stepdown`.
[[nodiscard]] std::string node_subject(std::string_view cluster_id,
                                       std::string_view node_id,
                                       std::string_view verb);

/// "" where `id` can name a cluster, or a node; else why it cannot, as text to follow the name.
[[nodiscard]] std::string why_no_cluster_id(std::string_view id);
[[nodiscard]] std::string why_no_node_id(std::string_view id);

}  // namespace model
