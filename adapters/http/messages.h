// HTTP without a socket: the URL of a health endpoint, a request, and the status line and the body
// of an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/result.h"

namespace adapters::http {

struct Url {
    std::string host;  // without brackets
    std::uint16_t port = 80;
    std::string authority;  // as in the Host header
    std::string path;       // with its query; begins with a slash
};

/// "http://host:port/path?query#part"; the fragment is left out. invalid: anything else; the
/// message names the URL.
[[nodiscard]] model::Result<Url> parse_url(std::string_view text);

/// A request for one page, after whose answer the server closes the connection.
///
/// host  for the Host header, with the port
[[nodiscard]] std::string get_request(std::string_view path, std::string_view host);

/// "HTTP/1.1 204 No Content", with or without its carriage return. Empty: not HTTP.
struct StatusLine {
    int code = 0;
    std::string_view text;  // "204 No Content"; a view of the line
};
[[nodiscard]] std::optional<StatusLine> parse_status_line(std::string_view line);

/// Limit in bytes: a server that sends more without a line end does not speak HTTP.
inline constexpr std::size_t longest_status_line = 1024;

/// The value of a header in lower case, "" where there is none.
///
/// head  without the empty line at its end
/// name  in lower case
[[nodiscard]] std::string header(std::string_view head, std::string_view name);

/// The answer without the interim ones before it ("103 Early Hints"); empty: an interim one is not
/// complete yet. invalid: they go on beyond the limit.
[[nodiscard]] model::Result<std::optional<std::string_view>> final_answer(std::string_view answer);

/// Limit of final_answer, in bytes.
inline constexpr std::size_t most_of_interim_answers = std::size_t{16} * 1024;

struct Verdict {
    bool healthy = false;
    // reason where not healthy: "503 Service Unavailable", or that it is not HTTP
    std::string reason;
};

/// Judges the bytes received so far; empty: more are needed. The result does not depend on how the
/// answer is split.
///
/// ended  the server closed the connection: no more will come
[[nodiscard]] std::optional<Verdict> judge(std::string_view answer, bool ended);

/// The body of an answer, once complete; empty while more has to come. Parses the answer from its
/// beginning each time.
///
/// invalid  the answer is not HTTP, not status 200, or not of a known length
[[nodiscard]] model::Result<std::optional<std::string>> body_of(std::string_view answer);

}  // namespace adapters::http
