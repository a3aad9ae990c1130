// JSON of the records in the cluster's KV buckets. No input crashes the reader: what cannot be read
// is an error that names the key.
#pragma once

#include <string>
#include <string_view>

#include "model/lease.h"
#include "model/result.h"
#include "model/service.h"
#include "model/status.h"

namespace adapters::json {

/// Fields that this version does not know are written back from `unknown_fields`.
[[nodiscard]] std::string encode(const model::LeaseRecord& record);
[[nodiscard]] std::string encode(const model::NodeStatus& status);
[[nodiscard]] std::string encode(const model::Spec& spec);
[[nodiscard]] std::string encode(const model::ServiceEntry& entry);

/// key  where the value was found, for the message
///
/// corrupt  not a JSON object, a field of another type, nodeId, nonce or epoch missing, nested more
///          than 64 deep, or of a schema that this version does not know
///
/// The bare node id that the Go manager writes as `leader` is read as a record with only node_id
/// set (schema 0): a foreign leader. Its nonce is empty; the caller names it after the revision.
[[nodiscard]] model::Result<model::LeaseRecord> decode_lease(std::string_view text,
                                                             std::string_view key = "leader");
/// Fields that a Go manager's status lacks get their defaults. corrupt: as above.
[[nodiscard]] model::Result<model::NodeStatus> decode_status(std::string_view text,
                                                             std::string_view key);
/// The page /status of a daemon's API, as far as a NodeStatus can hold it. corrupt: as above.
[[nodiscard]] model::Result<model::NodeStatus> decode_status_page(std::string_view text);
/// The answer of a daemon's micro service, as far as a NodeStatus holds it; LeaseHeld is its one
/// condition, where it tells. corrupt: as above.
[[nodiscard]] model::Result<model::NodeStatus> decode_micro_status(std::string_view text);
/// corrupt: as above.
[[nodiscard]] model::Result<model::Spec> decode_spec(std::string_view text,
                                                     std::string_view key = "spec");
/// The value of `<service>/<node>`. corrupt: as above, too large, the key is no such key, or the
/// record tells another service, node or health than there can be.
[[nodiscard]] model::Result<model::ServiceEntry> decode_service(std::string_view text,
                                                                std::string_view key);

}  // namespace adapters::json
