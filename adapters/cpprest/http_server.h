// HTTP for the faces: the API on one port, the metrics on another.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "model/config.h"
#include "model/http.h"
#include "model/result.h"
#include "model/time.h"

namespace adapters::cpprest {

/// A listener. Requests of all servers of the process run on four threads, so a handler must not
/// wait for anything; it may throw (the client gets 500). Bodies are not passed on: a request that
/// carries more than 64 KiB of one is answered with 413 and cut.
///
/// The library has no limit for the number of connections, for the size of headers, nor for a
/// client that is idle, slow or lies about a chunk's length: each costs a file descriptor and
/// memory, and no thread. So this belongs on a network of friends.
class HttpServer {
public:
    using Handler = std::function<model::HttpResponse(const model::HttpRequest&)>;

    struct Options {
        model::HostPort listen;
        std::string key;  // of the configuration, for messages: "api.listen"
    };

    /// Listens when it returns. handler: called from any of the threads, several at once.
    ///
    /// invalid      an address that cannot be listened on: IPv6 is not supported
    /// unavailable  the port is taken or not allowed; the message names the key to change
    [[nodiscard]] static model::Result<std::unique_ptr<HttpServer>> start(const Options& options,
                                                                          Handler handler);

    /// As stop() with two seconds.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Answers what runs, refuses what comes (503), and closes. Waits for running requests at most
    /// `patience`, then for the handlers themselves, which are quick. Once is enough; not from a
    /// handler.
    void stop(model::Duration patience);

private:
    class Listener;
    explicit HttpServer(std::unique_ptr<Listener> listener);
    std::unique_ptr<Listener> listener_;
};

}  // namespace adapters::cpprest
