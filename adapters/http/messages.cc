#include "adapters/http/messages.h"

#include <algorithm>
#include <cctype>

#include "model/ids.h"

namespace adapters::http {
namespace {

using model::Errc;

model::Error refused(std::string_view url, std::string_view why) {
    return model::error(Errc::invalid,
                        "health endpoint \"" + std::string{url} + "\": " + std::string{why});
}

// Source: RFC 9110, section 15.2; 101 is the last answer of HTTP on its connection.
bool is_interim(int code) { return code >= 100 && code <= 199 && code != 101; }

Verdict judge_line(std::string_view line) {
    const auto status = parse_status_line(line);
    if (!status) return {.healthy = false, .reason = "the answer is not HTTP"};
    if (status->code >= 200 && status->code <= 299) return {.healthy = true, .reason = ""};
    return {.healthy = false, .reason = std::string{status->text}};
}

}  // namespace

std::string get_request(std::string_view path, std::string_view host) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: " + std::string{host} +
           "\r\nUser-Agent: convex-cluster-manager\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

std::optional<StatusLine> parse_status_line(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const bool shaped = line.size() >= 12 && line.substr(0, 7) == "HTTP/1." && line[8] == ' ' &&
                        (line.size() == 12 || line[12] == ' ');
    if (!shaped) return std::nullopt;
    const auto code = model::parse_number(line.substr(9, 3));
    if (!code) return std::nullopt;
    return StatusLine{.code = static_cast<int>(*code), .text = line.substr(9)};
}

std::string header(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const auto line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
        std::string lower;
        for (const char c : line)
            lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (!lower.starts_with(name) || lower.size() <= name.size() || lower[name.size()] != ':')
            continue;
        lower.erase(0, name.size() + 1);
        lower.erase(0, std::min(lower.find_first_not_of(" \t"), lower.size()));
        lower.erase(std::min(lower.find_last_not_of(" \t") + 1, lower.size()));
        return lower;
    }
    return {};
}

model::Result<std::optional<std::string_view>> final_answer(std::string_view answer) {
    auto rest = answer;
    for (;;) {
        const auto status = parse_status_line(rest.substr(0, rest.find('\n')));
        if (!status || !is_interim(status->code)) return std::optional{rest};
        const auto end = rest.find("\r\n\r\n");
        const auto offset = static_cast<std::size_t>(rest.data() - answer.data());
        if (offset + std::min(end, rest.size()) > most_of_interim_answers)
            return model::error(Errc::invalid, "interim answers without an end");
        if (end == std::string_view::npos) return std::optional<std::string_view>{};
        rest.remove_prefix(end + 4);
    }
}

model::Result<Url> parse_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (text.substr(0, scheme.size()) != scheme) return refused(text, "not an http:// URL");
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
            return refused(text, "a space or a control character in it");
    auto rest = text.substr(scheme.size());
    rest = rest.substr(0, rest.find('#'));
    const auto slash = rest.find_first_of("/?");
    Url url{.authority = std::string{rest.substr(0, slash)}};
    if (slash != std::string_view::npos) url.path = rest.substr(slash);
    if (url.path.empty() || url.path.front() != '/') url.path.insert(0, "/");

    std::string_view host{url.authority};
    std::string_view port;
    if (host.find('@') != std::string_view::npos) return refused(text, "a user in it");
    if (!host.empty() && host.front() == '[') {
        const auto end = host.find(']');
        if (end == std::string_view::npos) return refused(text, "a bracket is not closed");
        port = host.substr(end + 1);
        host = host.substr(1, end - 1);
    } else {
        const auto colon = host.find(':');
        if (colon != std::string_view::npos) port = host.substr(colon);
        host = host.substr(0, colon);
    }
    if (host.empty()) return refused(text, "no host");
    url.host = host;
    if (!port.empty()) {
        const auto number = model::parse_number(port.substr(1));
        if (port.front() != ':' || !number || *number == 0 || *number > 65535)
            return refused(text, "no port from 1 to 65535");
        url.port = static_cast<std::uint16_t>(*number);
    }
    return url;
}

std::optional<Verdict> judge(std::string_view received, bool ended) {
    const auto final = final_answer(received);
    if (!final) return Verdict{.healthy = false, .reason = final.error().message};
    // Of an interim answer alone nothing can be said yet.
    const auto answer = final->value_or(std::string_view{});
    const auto line_end = answer.substr(0, longest_status_line).find('\n');
    if (line_end != std::string_view::npos) return judge_line(answer.substr(0, line_end));
    if (answer.size() >= longest_status_line) {
        return Verdict{.healthy = false, .reason = "the answer is not HTTP"};
    }
    if (ended) return Verdict{.healthy = false, .reason = "closed without an answer"};
    return std::nullopt;
}

model::Result<std::optional<std::string>> body_of(std::string_view received) {
    const auto final = final_answer(received);
    if (!final) return final.error();
    const auto answer = final->value_or(std::string_view{});
    const auto end = answer.find("\r\n\r\n");
    if (end == std::string_view::npos) return std::optional<std::string>{};
    const auto head = answer.substr(0, end);
    const auto status = parse_status_line(head.substr(0, head.find('\n')));
    if (!status) return model::error(Errc::invalid, "the answer is not HTTP");
    if (status->code != 200) return model::error(Errc::invalid, std::string{status->text});
    const auto length = model::parse_number(header(head, "content-length"));
    if (!length) return model::error(Errc::invalid, "an answer of unknown length");
    if (answer.size() - end - 4 < *length) return std::optional<std::string>{};
    return std::optional{std::string{answer.substr(end + 4, *length)}};
}

}  // namespace adapters::http
