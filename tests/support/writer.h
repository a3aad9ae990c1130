// A client of the example service that records which writes were acknowledged.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace test_support {

/// The address of a backend.
struct Endpoint {
    Endpoint(int on) : port{on} {}  // NOLINT(google-explicit-constructor): port of 127.0.0.1
    Endpoint(std::string at, int on) : host{std::move(at)}, port{on} {}
    std::string host = "127.0.0.1";  // an IPv4 address
    int port;
};

/// An HTTP/1.0 request, limited by `deadline`: status and body. Empty: no complete answer.
struct HttpAnswer {
    int status = 0;
    std::string body;
};
[[nodiscard]] std::optional<HttpAnswer> http(
    const Endpoint& at,
    const std::string& method,
    const std::string& target,
    const std::string& body = {},
    std::chrono::milliseconds deadline = std::chrono::seconds{1});

/// All ids stored in a running backend; throws where it does not answer.
[[nodiscard]] std::set<std::int64_t> notes_of(const Endpoint& backend);

/// Stores notes 1, 2, 3 ... one after the other with any backend that answers, each until it is
/// acknowledged, on a thread of its own.
class Writer {
public:
    struct Options {
        std::int64_t first = 1;
        std::chrono::microseconds pause = std::chrono::milliseconds{2};  // between two notes
        std::size_t body = 100;
    };
    explicit Writer(std::vector<Endpoint> backends) : Writer{std::move(backends), Options{}} {}
    Writer(std::vector<Endpoint> backends, Options options);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Stops after the note under way.
    void stop();
    /// Waits for so many more notes; false: timed out.
    [[nodiscard]] bool wait_more(std::int64_t count,
                                 std::chrono::seconds limit = std::chrono::seconds{30}) const;

    /// The acknowledged ids, ascending without a gap from options.first.
    [[nodiscard]] std::vector<std::int64_t> acknowledged() const;
    /// The longest time between two acknowledgements since the last reset_gap().
    [[nodiscard]] std::chrono::milliseconds gap() const;
    void reset_gap();
    /// Requests to a ready backend that were not answered with success.
    [[nodiscard]] int failures() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Those of `acknowledged` that are not in `present`.
[[nodiscard]] std::vector<std::int64_t> missing(const std::vector<std::int64_t>& acknowledged,
                                                const std::set<std::int64_t>& present);

}  // namespace test_support
