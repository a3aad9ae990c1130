// Reads which store a connection reached. Rule L12 of docs/protocol.md.
#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/nats/connection.h"
#include "model/names.h"
#include "model/result.h"
#include "model/store_identity.h"
#include "model/time.h"

namespace adapters::nats {

using Exchange =
    std::function<std::vector<model::Result<Incoming>>(std::span<const Outgoing>, Deadline)>;

/// Asks the leaders of the three streams at once, until the deadline. A stream without an answer,
/// or whose request was refused, is not known. Where one of them has no message, all are asked
/// twice, `creation_time_delay` apart; a time that differs is not known.
[[nodiscard]] model::StoreIdentity read_store_identity(const Exchange& exchange,
                                                       const model::StreamNames& streams,
                                                       Deadline until);
[[nodiscard]] model::StoreIdentity read_store_identity(Connection& connection,
                                                       const model::StreamNames& streams);

/// The identity as seen through one server, over a temporary connection: takes at most `patience`
/// for the connect plus the connection's timeout for the answer. unavailable: the server was not
/// reached, or did not answer for any stream; the message has the reason.
[[nodiscard]] model::Result<model::StoreIdentity> probe_store(ConnectionOptions options,
                                                              const std::string& server,
                                                              const model::StreamNames& streams,
                                                              model::Duration patience,
                                                              const std::stop_token& stop);

}  // namespace adapters::nats
