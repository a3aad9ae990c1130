#include "adapters/cpprest/http_server.h"

#include <cpprest/http_listener.h>
#include <pplx/threadpool.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>

#include "adapters/sync/mutex.h"

namespace adapters::cpprest {
namespace {

using model::Errc;
namespace listener = web::http::experimental::listener;

constexpr std::uint64_t largest_body = std::uint64_t{64} * 1024;
constexpr std::size_t threads = 4;

/// The library has one thread pool per process, of forty threads by default.
void start_threads() {
    [[maybe_unused]] static const bool started = [] {
        try {
            crossplat::threadpool::initialize_with_threads(threads);
        } catch (const std::exception&) {
            // The pool was started before, elsewhere in this process; its threads are used.
        }
        return true;
    }();
}

model::HttpResponse failure(int status, const char* reason) {
    return {.status = status, .body = std::string{"{\"error\":\""} + reason + "\"}"};
}

/// Converts the request. Throws where the URL has no valid text form.
model::HttpRequest to_request(const web::http::http_request& request) {
    model::HttpRequest out;
    out.method = request.method();
    const auto uri = request.relative_uri();
    out.path = web::uri::decode(uri.path());
    for (const auto& [name, value] : web::uri::split_query(uri.query()))
        out.query[web::uri::decode(name)] = web::uri::decode(value);
    return out;
}

bool has_large_body(const web::http::http_request& request) {
    const auto& headers = request.headers();
    // No page takes a body: one of unknown length is refused without reading it.
    if (headers.has(web::http::header_names::transfer_encoding)) return true;
    std::uint64_t length = 0;
    return headers.has(web::http::header_names::content_length) &&
           (!headers.match(web::http::header_names::content_length, length) ||
            length > largest_body);
}

/// Counts the requests that are not answered yet. Shared with each request, because the library may
/// finish one after the listener is destroyed.
struct Ledger {
    sync::Mutex mutex;
    sync::Condition idle;
    std::size_t running GUARDED_BY(mutex) = 0;
    bool closed GUARDED_BY(mutex) = false;

    /// False once the server is stopping.
    bool began() {
        const sync::Lock lock{mutex};
        ++running;
        return !closed;
    }
    void finished() {
        const sync::Lock lock{mutex};
        if (--running == 0) idle.notify_all();
    }
    /// Refuses new requests, then waits up to `patience` for running ones. False: it was closed
    /// before.
    bool close(model::Duration patience) {
        const sync::Lock lock{mutex};
        if (closed) return false;
        closed = true;
        idle.wait_for(mutex, patience, [this]() REQUIRES(mutex) { return running == 0; });
        return true;
    }
};

}  // namespace

/// The library's listener and its requests.
class HttpServer::Listener {
public:
    Listener(const std::string& uri, Handler handler)
        : listener_{uri}, handler_{std::move(handler)} {
        const auto serve_it = [this](const web::http::http_request& request) { serve(request); };
        listener_.support(serve_it);
        // The library would answer these two methods by itself.
        listener_.support(web::http::methods::OPTIONS, serve_it);
        listener_.support(web::http::methods::TRCE, serve_it);
    }

    void open() { listener_.open().wait(); }

    /// The library's close() cuts off answers that are being sent, so they are waited for first.
    void close(model::Duration patience) {
        if (!ledger_->close(patience)) return;
        // The library reports an answer as sent a moment before it is written to the socket.
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        try {
            listener_.close().wait();
        } catch (const std::exception&) {
            // It is closed nevertheless.
        }
    }

private:
    void serve(const web::http::http_request& request) {
        const bool closed = !ledger_->began();
        // From here on every path answers exactly once, and finished() follows the answer.
        const bool large = has_large_body(request);
        auto response = closed  ? failure(503, "this daemon is stopping")
                        : large ? failure(413, "the request is too large")
                                : handle(request);
        if (large) cut_body(request);
        answer(request, std::move(response), closed || large);
    }

    model::HttpResponse handle(const web::http::http_request& request) {
        model::HttpRequest asked;
        try {
            asked = to_request(request);
        } catch (const std::exception&) {
            return failure(400, "the address is not understood");
        }
        try {
            return handler_(asked);
        } catch (...) {  // a handler may throw anything; the daemon must go on
            return failure(500, "the daemon failed to answer");
        }
    }

    /// Makes the library's next read of an unwanted body fail; it would keep the whole body in
    /// memory and answer only afterwards. Done through its stream buffer, because ending the
    /// request would leave a pending read that outlives the connection.
    static void cut_body(const web::http::http_request& request) {
        try {
            const auto reason = std::make_exception_ptr(std::runtime_error{"too large"});
            request.body().streambuf().close(std::ios_base::out, reason).then(ignore_outcome);
        } catch (const std::exception&) {
            // The body had already ended.
        }
    }

    /// A failed task whose outcome is not read would end the process.
    static void ignore_outcome(const pplx::task<void>& task) {
        try {
            task.get();
        } catch (...) {
        }
    }

    void answer(const web::http::http_request& request, model::HttpResponse response, bool last) {
        try {
            web::http::http_response reply{static_cast<web::http::status_code>(response.status)};
            if (request.method() != web::http::methods::HEAD) {
                reply.set_body(std::move(response.body), response.content_type);
            } else {
                reply.headers().set_content_type(response.content_type);
            }
            reply.headers().add(web::http::header_names::cache_control, "no-store");
            if (!response.allow.empty()) {
                reply.headers().add(web::http::header_names::allow, response.allow);
            }
            if (last) reply.headers().add(web::http::header_names::connection, "close");
            request.reply(reply).then([ledger = ledger_](const pplx::task<void>& sent) {
                ignore_outcome(sent);  // fails where the client has gone
                ledger->finished();
            });
        } catch (const std::exception&) {
            ledger_->finished();
        }
    }

    listener::http_listener listener_;
    Handler handler_;
    std::shared_ptr<Ledger> ledger_ = std::make_shared<Ledger>();
};

HttpServer::HttpServer(std::unique_ptr<Listener> listener) : listener_{std::move(listener)} {}

HttpServer::~HttpServer() { stop(std::chrono::seconds{2}); }

void HttpServer::stop(model::Duration patience) { listener_->close(patience); }

model::Result<std::unique_ptr<HttpServer>> HttpServer::start(const Options& options,
                                                             Handler handler) {
    const auto named = options.key + " = " + to_text(options.listen) + ": ";
    if (options.listen.host.find(':') != std::string::npos) {
        return model::error(Errc::invalid,
                            named +
                                "IPv6 addresses are not supported here; use 0.0.0.0 or an IPv4 "
                                "address");
    }
    start_threads();
    try {
        auto listener =
            std::make_unique<Listener>("http://" + to_text(options.listen), std::move(handler));
        listener->open();
        return std::unique_ptr<HttpServer>{new HttpServer{std::move(listener)}};
    } catch (const std::exception& failed) {
        return model::error(
            Errc::unavailable,
            named + failed.what() + "; free the port or name another in " + options.key);
    }
}

}  // namespace adapters::cpprest
