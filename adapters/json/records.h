// The JSON of the records in the cluster's KV buckets: text in, value out, and back. No such text
// crashes anybody: what cannot be read is an error that names the key it was found under.
#pragma once

#include <string>
#include <string_view>

#include "model/lease.h"
#include "model/result.h"
#include "model/status.h"

namespace adapters::json {

/// Fields that are not known here come back with the next encode(), from `unknown_fields`.
[[nodiscard]] std::string encode(const model::LeaseRecord& record);
[[nodiscard]] std::string encode(const model::NodeStatus& status);
[[nodiscard]] std::string encode(const model::Spec& spec);

/// key  where the value was found, for the message
///
/// corrupt  no JSON object, a field of another type, nodeId, nonce or epoch missing, nested more
///          than 64 deep, or of a schema that this version does not know
///
/// The bare node id that the Go manager writes as `leader` is a record with nothing but node_id
/// (and schema 0): a foreign leader. Its nonce is empty; the caller names it after the revision.
[[nodiscard]] model::Result<model::LeaseRecord> decode_lease(std::string_view text,
                                                             std::string_view key = "leader");
/// A Go manager's status lacks our fields: they have their defaults. corrupt: as above.
[[nodiscard]] model::Result<model::NodeStatus> decode_status(std::string_view text,
                                                             std::string_view key);
/// corrupt: as above.
[[nodiscard]] model::Result<model::Spec> decode_spec(std::string_view text,
                                                     std::string_view key = "spec");

}  // namespace adapters::json
