#include "adapters/http/check_answer.h"

#include <charconv>
#include <cstdint>

#include "adapters/http/messages.h"
#include "model/ids.h"

namespace adapters::http {
namespace {

using reconcilers::ports::CheckOutcome;
using State = CheckOutcome::State;

constexpr int too_many_requests = 429;

/// Source: RFC 9112, section 7.1, "Chunked Transfer Coding".
Body unchunked(std::string_view rest) {
    Body body;
    for (;;) {
        const auto line_end = rest.find("\r\n");
        if (line_end == std::string_view::npos) return body;
        std::uint64_t size = 0;
        const auto line = rest.substr(0, line_end);
        const auto [end, failure] =
            std::from_chars(line.data(), line.data() + line.size(), size, 16);
        if (failure != std::errc{}) return body;
        if (size == 0) {
            body.whole = true;
            return body;
        }
        rest.remove_prefix(line_end + 2);
        body.text += rest.substr(0, size);
        if (rest.size() < size + 2 || rest.size() < size) return body;
        rest.remove_prefix(size + 2);
    }
}

CheckOutcome critical(std::string reason) {
    return {.state = State::critical, .reason = std::move(reason)};
}

}  // namespace

std::optional<Body> body_so_far(std::string_view answer) {
    const auto end = answer.find("\r\n\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const auto head = answer.substr(0, end);
    const auto rest = answer.substr(end + 4);
    if (header(head, "transfer-encoding").ends_with("chunked")) return unchunked(rest);
    const auto length = model::parse_number(header(head, "content-length"));
    if (!length) return Body{.text = std::string{rest}, .whole = false};
    // What follows is not the body's, however it arrives.
    return Body{.text = std::string{rest.substr(0, *length)}, .whole = rest.size() >= *length};
}

std::optional<CheckOutcome> judge_check(const model::ServiceCheck& check,
                                        std::string_view received,
                                        bool ended) {
    const auto final = final_answer(received);
    if (!final) return critical(final.error().message);
    const auto answer = final->value_or(std::string_view{});
    const auto line_end = answer.substr(0, longest_status_line).find('\n');
    if (line_end == std::string_view::npos) {
        if (answer.size() >= longest_status_line) return critical("the answer is not HTTP");
        if (ended) return critical("closed without an answer");
        return std::nullopt;
    }
    const auto status = parse_status_line(answer.substr(0, line_end));
    if (!status) return critical("the answer is not HTTP");
    if (status->code != check.expected_status) {
        return CheckOutcome{
            .state = status->code == too_many_requests ? State::warning : State::critical,
            .reason = std::string{status->text}};
    }
    if (check.expected_body.empty()) return CheckOutcome{.state = State::passing, .reason = {}};
    const auto body = body_so_far(answer);
    if (body && body->text.substr(0, most_of_a_body).find(check.expected_body) != std::string::npos)
        return CheckOutcome{.state = State::passing, .reason = {}};
    const bool enough = body && (body->whole || body->text.size() >= most_of_a_body);
    if (enough || ended) return critical("the body has not what is expected");
    return std::nullopt;
}

}  // namespace adapters::http
