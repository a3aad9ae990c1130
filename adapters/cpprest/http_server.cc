#include "adapters/cpprest/http_server.h"

#include <cpprest/http_listener.h>
#include <pplx/threadpool.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace adapters::cpprest {
namespace {

using model::Errc;
namespace listener = web::http::experimental::listener;

constexpr std::uint64_t largest_body = std::uint64_t{64} * 1024;
constexpr std::size_t threads = 4;

/// The library makes one pool for the whole process, of forty threads if nobody says otherwise.
void start_threads() {
    static std::once_flag once;
    std::call_once(once, [] {
        try {
            crossplat::threadpool::initialize_with_threads(threads);
        } catch (const std::exception&) {
            // Somebody in this process was first: their number of threads serves us too.
        }
    });
}

model::HttpResponse failure(int status, const char* reason) {
    return {.status = status, .body = std::string{"{\"error\":\""} + reason + "\"}"};
}

/// What is asked for. Throws where the address is no text.
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
    // Nothing here takes a body: one of unknown length is not waited for either.
    if (headers.has(web::http::header_names::transfer_encoding)) return true;
    std::uint64_t length = 0;
    return headers.has(web::http::header_names::content_length) &&
           (!headers.match(web::http::header_names::content_length, length) ||
            length > largest_body);
}

/// The requests that are not answered yet. Shared with each of them: the library may finish one
/// after the listener is gone.
struct Ledger {
    std::mutex mutex;
    std::condition_variable idle;
    std::size_t running = 0;
    bool closed = false;

    /// False once the server stops.
    bool began() {
        const std::lock_guard lock{mutex};
        ++running;
        return !closed;
    }
    void finished() {
        const std::lock_guard lock{mutex};
        if (--running == 0) idle.notify_all();
    }
};

}  // namespace

/// The listener of the library and its requests.
class HttpServer::Listener {
public:
    Listener(const std::string& uri, Handler handler)
        : listener_{uri}, handler_{std::move(handler)} {
        const auto serve_it = [this](const web::http::http_request& request) { serve(request); };
        listener_.support(serve_it);
        // These two the library would answer by itself.
        listener_.support(web::http::methods::OPTIONS, serve_it);
        listener_.support(web::http::methods::TRCE, serve_it);
    }

    void open() { listener_.open().wait(); }

    /// The library's own close() cuts answers that are on their way: they are waited for first.
    void close(model::Duration patience) {
        {
            std::unique_lock lock{ledger_->mutex};
            if (ledger_->closed) return;
            ledger_->closed = true;
            const auto deadline = std::chrono::steady_clock::now() + patience;
            ledger_->idle.wait_until(lock, deadline, [this] { return ledger_->running == 0; });
            // An answer counts as sent when the library has it; the socket gets it a moment later.
            ledger_->idle.wait_for(lock, std::chrono::milliseconds{20}, [] { return false; });
        }
        try {
            listener_.close().wait();
        } catch (const std::exception&) {
            // It is closed all the same.
        }
    }

private:
    void serve(const web::http::http_request& request) {
        const bool closed = !ledger_->began();
        // From here on every path answers once, and finished() follows the answer.
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
        } catch (...) {  // whatever a handler throws, the daemon goes on
            return failure(500, "the daemon failed to answer");
        }
    }

    /// Makes the library's next read of a body that nobody wants fail: it would keep all of it in
    /// memory, and answer only then. Told through its buffer: to end the request ourselves would
    /// leave a read behind that outlives the connection.
    static void cut_body(const web::http::http_request& request) {
        try {
            const auto reason = std::make_exception_ptr(std::runtime_error{"too large"});
            request.body().streambuf().close(std::ios_base::out, reason).then(ignore_outcome);
        } catch (const std::exception&) {
            // It has ended already.
        }
    }

    /// A task whose failure nobody looks at ends the process.
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
                ignore_outcome(sent);  // perhaps the client went away
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
