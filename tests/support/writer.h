// A client of the example service, and what it was promised.
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

/// Where a backend listens.
struct Endpoint {
    Endpoint(int on) : port{on} {}  // NOLINT(google-explicit-constructor): of 127.0.0.1
    Endpoint(std::string at, int on) : host{std::move(at)}, port{on} {}
    std::string host = "127.0.0.1";  // an IPv4 address
    int port;
};

/// One request by HTTP/1.0, all of it within `deadline`: status and body. Empty: no whole answer.
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

/// All ids that a running backend has; throws where it does not answer.
[[nodiscard]] std::set<std::int64_t> notes_of(const Endpoint& backend);

/// Stores notes 1, 2, 3 ... one after the other with whichever backend answers, each until it is
/// acknowledged, from a thread of its own.
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

    /// Ends it after the note that is under way.
    void stop();
    /// Waits for that many more notes; false: not within the limit.
    [[nodiscard]] bool wait_more(std::int64_t count,
                                 std::chrono::seconds limit = std::chrono::seconds{30}) const;

    /// Ids that were acknowledged so far, ascending and without a hole from options.first.
    [[nodiscard]] std::vector<std::int64_t> acknowledged() const;
    /// The longest time between two acknowledgements, since the last reset_gap().
    [[nodiscard]] std::chrono::milliseconds gap() const;
    void reset_gap();
    /// Requests that a backend took or ought to have taken and that were not answered well.
    [[nodiscard]] int failures() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Those of `acknowledged` that are not in `present`.
[[nodiscard]] std::vector<std::int64_t> missing(const std::vector<std::int64_t>& acknowledged,
                                                const std::set<std::int64_t>& present);

}  // namespace test_support
