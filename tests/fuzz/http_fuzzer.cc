// Health probes and service checks: the URL of an endpoint, and the answers.
#include "adapters/http/check_answer.h"
#include "adapters/http/messages.h"
#include "tests/fuzz/fuzz.h"

namespace {

using adapters::http::judge;
using adapters::http::judge_check;
using fuzz::require;

void check_answer(std::string_view answer) {
    const auto whole = judge(answer, true);
    require(whole.has_value(), "an answer that ended has a verdict");
    require(whole->healthy == whole->reason.empty(), "a verdict against it says why");
    for (std::size_t size = 0; size <= answer.size(); ++size) {
        const auto early = judge(answer.substr(0, size), false);
        require(!early || (early->healthy == whole->healthy && early->reason == whole->reason),
                "pieces of any size mean the same");
        require(early || size < adapters::http::longest_status_line,
                "nobody is listened to for ever");
        if (early) break;
    }
}

/// Of a registered service: the same for pieces of any size, and never without an end.
void check_service(std::string_view answer) {
    model::ServiceCheck check;
    check.expected_body = "ok";
    const auto whole = judge_check(check, answer, true);
    require(whole.has_value(), "an answer that ended has an outcome");
    for (std::size_t size = 0; size <= answer.size(); ++size) {
        const auto early = judge_check(check, answer.substr(0, size), false);
        require(!early || *early == *whole, "pieces of any size mean the same");
        if (early) break;
    }
    const auto body = adapters::http::body_so_far(answer);
    require(!body || body->text.size() <= answer.size(), "a body is a part of its answer");
}

/// A body is reported only once complete, and more bytes do not change it.
void check_page(std::string_view answer) {
    std::optional<std::string> body;
    for (std::size_t size = 0; size <= answer.size(); ++size) {
        const auto read = adapters::http::body_of(answer.substr(0, size));
        if (!read) {
            fuzz::require_refusal(read.error(), model::Errc::invalid);
            require(!body, "a body that was read stays");
            return;
        }
        require(!body || *read == body, "a body that was read stays");
        if (*read) {
            require((*read)->size() <= size, "a body is a part of its answer");
            body = **read;
        }
    }
}

void check_url(std::string_view text) {
    const auto url = adapters::http::parse_url(text);
    if (!url) {
        fuzz::require_refusal(url.error(), model::Errc::invalid);
        return;
    }
    require(!url->host.empty() && url->port != 0, "a URL names a host and a port");
    require(url->path.starts_with('/') && url->path.find('#') == std::string::npos,
            "a path as it is asked for");
    // Both are copied into the request's head unchanged.
    for (const auto& part : {url->path, url->authority}) {
        for (const char c : part)
            require(static_cast<unsigned char>(c) > 0x20 && c != 0x7f, "no line of its own");
    }
    const auto again = adapters::http::parse_url("http://" + url->authority + url->path);
    require(
        again && again->host == url->host && again->port == url->port && again->path == url->path,
        "a URL means the same when it is put together again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    check_answer(text);
    check_service(text);
    check_page(text);
    check_url(text);
    return 0;
}
