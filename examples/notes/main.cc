// notes: a small service with its data in one SQLite database, as an example of a backend.
//
//   notes --database FILE [--listen HOST:PORT]        default 127.0.0.1:3210
//
//   GET  /version          200: it is healthy
//   POST /notes?id=N       stores the body; 200 {"id":N} after COMMIT; 409 where N is taken
//   GET  /notes?from=N     [ids from N on], at most 10000
//   GET  /count            {"count":N}
#include <signal.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "examples/notes/http.h"
#include "examples/notes/store.h"

namespace {

using notes::Request;
using notes::Response;

constexpr int page_of_ids = 10000;

std::optional<std::int64_t> number(const std::string& text) {
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

Response problem(int status, const std::string& text) {
    return {.status = status, .type = "text/plain", .body = text + "\n"};
}

Response add(notes::Store& store, const Request& request) {
    const auto id = number(parameter(request, "id"));
    if (!id) return problem(400, "?id=N is missing or no number");
    std::string why;
    switch (store.add(*id, request.body, why)) {
        case notes::Added::yes:
            return {.body = "{\"id\":" + std::to_string(*id) + "}\n"};
        case notes::Added::exists:
            return problem(409, "there is a note " + std::to_string(*id));
        case notes::Added::failed:
            break;
    }
    return problem(503, why);
}

Response list(notes::Store& store, const Request& request) {
    const std::string from = parameter(request, "from");
    const auto first = from.empty() ? std::optional<std::int64_t>{0} : number(from);
    if (!first) return problem(400, "?from=N is no number");
    std::string body = "[";
    for (const auto id : store.ids(*first, page_of_ids))
        body += (body.size() > 1 ? "," : "") + std::to_string(id);
    return {.body = body + "]\n"};
}

Response answer(notes::Store& store, const Request& request) {
    try {
        const bool get = request.method == "GET";
        if (request.path == "/version" && get) return {.type = "text/plain", .body = "notes 1\n"};
        if (request.path == "/notes" && request.method == "POST") return add(store, request);
        if (request.path == "/notes" && get) return list(store, request);
        if (request.path == "/count" && get) {
            return {.body = "{\"count\":" + std::to_string(store.count()) + "}\n"};
        }
        const bool known =
            request.path == "/version" || request.path == "/notes" || request.path == "/count";
        return known ? problem(405, request.method + " is not for this")
                     : problem(404, "there is no " + request.path);
    } catch (const std::exception& failure) {
        return problem(503, failure.what());
    }
}

}  // namespace

int main(int count, char** words) {
    std::string database;
    std::string listen = "127.0.0.1:3210";
    for (int i = 1; i < count; i += 2) {
        const std::string word = words[i];
        if (i + 1 == count || (word != "--database" && word != "--listen")) {
            std::fprintf(stderr, "usage: notes --database FILE [--listen HOST:PORT]\n");
            return 2;
        }
        (word == "--database" ? database : listen) = words[i + 1];
    }
    if (database.empty()) {
        std::fprintf(stderr, "usage: notes --database FILE [--listen HOST:PORT]\n");
        return 2;
    }
    // Before any thread starts, so that only serve() receives them.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    try {
        notes::Store store{database};
        notes::serve(listen, [&store](const Request& request) { return answer(store, request); });
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "notes: %s\n", failure.what());
        return 1;
    }
    return 0;
}
