// Connections to a test's nats-server.
#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/nats/connection.h"
#include "tests/support/eventually.h"

namespace adapters::nats {

inline std::shared_ptr<Connection> open_client(ConnectionOptions options) {
    auto connection = Connection::open(std::move(options));
    if (!connection) throw std::runtime_error{connection.error().message};
    return *connection;
}

inline std::shared_ptr<Connection> connected_client(ConnectionOptions options) {
    auto connection = open_client(std::move(options));
    if (!test_support::eventually([&] { return connection->connected(); }))
        throw std::runtime_error{"no connection: " + connection->last_reason()};
    return connection;
}

inline std::shared_ptr<Connection> connected_client(const std::string& url,
                                                    model::Duration timeout = std::chrono::seconds{
                                                        2}) {
    return connected_client({.servers = {url}, .name = "test", .timeout = timeout});
}

/// Sends a request and fails the test where no answer comes.
inline std::string ask(Connection& connection,
                       const std::string& subject,
                       const std::string& body = {}) {
    const auto answer = connection.request({.subject = subject, .payload = model::as_bytes(body)});
    if (!answer) throw std::runtime_error{subject + ": " + answer.error().message};
    return model::to_text(answer->payload);
}

}  // namespace adapters::nats
