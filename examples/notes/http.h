// A minimal HTTP/1.1 server for the example: a thread per connection, keep-alive, bodies of known
// length.
#pragma once

#include <functional>
#include <string>

namespace notes {

struct Request {
    std::string method;
    std::string path;   // without the query
    std::string query;  // "id=7&x=y", or ""
    std::string body;
};

struct Response {
    int status = 200;
    std::string type = "application/json";
    std::string body;
};

using Handler = std::function<Response(const Request&)>;

/// The value of `name` in a query; empty where it is absent.
std::string parameter(const Request& request, const std::string& name);

/// Serves on HOST:PORT (IPv4 or [IPv6]; port 0 chooses a free one) until SIGTERM or SIGINT; then
/// accepts nothing more, answers requests under way and returns. Those signals must be blocked in
/// every thread. Prints "listening on PORT" once it listens. Throws std::runtime_error when it
/// cannot listen.
void serve(const std::string& listen, const Handler& handler);

}  // namespace notes
