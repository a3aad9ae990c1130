// The HTTP server of the API and the metrics, one instance for each port.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "model/host_port.h"
#include "model/http.h"
#include "model/result.h"
#include "model/time.h"

namespace adapters::cpprest {

/// A listener. Requests of all servers of the process run on four threads, so a handler must not
/// block; it may throw (the client gets 500). Bodies are not passed on: a request with a body of
/// more than 64 KiB gets 413 and is cut off.
///
/// The library limits neither the number of connections nor the size of headers, and tolerates
/// clients that are idle, slow, or lie about a chunk's length: each costs a file descriptor and
/// memory, but no thread. Listen only on networks whose clients are trusted.
class HttpServer {
public:
    using Handler = std::function<model::HttpResponse(const model::HttpRequest&)>;

    struct Options {
        model::HostPort listen;
        std::string key;  // name of the key in the configuration, for messages: "api.listen"
    };

    /// Listening has begun when it returns. `handler` is called from any of the threads, several at
    /// once.
    ///
    /// invalid      not an address to listen on; IPv6 is not supported
    /// unavailable  the port is in use or not permitted; the message names the key to change
    [[nodiscard]] static model::Result<std::unique_ptr<HttpServer>> start(const Options& options,
                                                                          Handler handler);

    /// Stops with a patience of two seconds.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Answers running requests, refuses new ones (503), and closes. Blocks up to `patience` for
    /// running requests, then until their handlers have returned. May be called once; not from a
    /// handler.
    void stop(model::Duration patience);

private:
    class Listener;
    explicit HttpServer(std::unique_ptr<Listener> listener);
    std::unique_ptr<Listener> listener_;
};

}  // namespace adapters::cpprest
