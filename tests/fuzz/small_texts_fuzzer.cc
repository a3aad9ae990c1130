// Short texts with their own parsers: addresses, times, numbers, positions, names.
#include "adapters/nats/names.h"
#include "model/host_port.h"
#include "model/ip_address.h"
#include "model/names.h"
#include "model/url.h"
#include "model/wal_position.h"
#include "model/wall_time.h"
#include "reconcilers/replica/records.h"
#include "tests/fuzz/fuzz.h"

namespace {

using fuzz::require;
using model::Errc;

void check_numbers(std::string_view text) {
    if (const auto number = model::parse_number(text)) {
        const auto first = std::min(text.find_first_not_of('0'), text.size() - 1);
        require(std::to_string(*number) == text.substr(first), "a number is what its digits say");
    }
    if (const auto number = model::parse_hex16(text)) {
        require(model::to_hex16(*number) == text, "a hexadecimal number has one text");
    }
    if (const auto position = model::parse_wal_position(text)) {
        require(model::parse_wal_position(model::to_text(*position)) == *position,
                "a position is read as it is written");
    }
}

void check_address(std::string_view text) {
    const auto address = model::parse_host_port(text);
    if (!address) {
        fuzz::require_refusal(address.error(), Errc::invalid);
        return;
    }
    require(!address->host.empty() && address->port != 0, "an address has a host and a port");
    require(fuzz::is(model::parse_host_port(model::to_text(*address)), *address),
            "an address is read as it is written");
}

void check_ip_address(std::string_view text) {
    const auto prefix = model::parse_ip_prefix(text);
    if (!prefix) {
        fuzz::require_refusal(prefix.error(), Errc::invalid);
        return;
    }
    require(prefix->length >= 1 && prefix->length <= prefix->address.host_prefix(),
            "a prefix is no longer than its address");
    require(fuzz::is(model::parse_ip_prefix(to_text(*prefix)), *prefix),
            "an address with a prefix is read as it is written");
}

void check_url(std::string_view text) {
    const auto url = model::parse_url(text);
    if (!url) {
        fuzz::require_refusal(url.error(), Errc::invalid);
        return;
    }
    require(!url->host.empty(), "a URL names a host");
    require(fuzz::is(model::parse_url(model::to_text(*url)), *url),
            "a URL is read as it is written");
    require(fuzz::is(model::parse_url(model::without_login(text)),
                     model::Url{.scheme = url->scheme, .host = url->host, .port = url->port}),
            "a URL without its login is the same server");
}

void check_times(std::string_view text) {
    if (const auto time = model::parse_rfc3339(text)) {
        require(fuzz::is(model::parse_rfc3339(model::to_rfc3339(*time)), *time),
                "a time is read as it is written");
    }
}

void check_names(std::string_view text) {
    // Each of them becomes a token of a subject.
    if (model::why_no_cluster_id(text).empty()) {
        require(adapters::nats::valid_bucket(text), "a cluster id can be part of a bucket");
    }
    if (model::why_no_node_id(text).empty()) {
        require(adapters::nats::valid_key("nodes." + std::string{text}), "a node id can be a key");
    }
    const std::string name{text};
    if (const auto staged = reconcilers::replica::parse_staged_name(name)) {
        require(reconcilers::replica::staged_name(staged->first, staged->second) == name,
                "a staged file has one name");
    }
    const auto again =
        reconcilers::replica::parse_staged_name(reconcilers::replica::staged_name({7}, name));
    require(again && again->first == model::Txid{7} && again->second == name,
            "the name of a staged file is read as it is written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    check_numbers(text);
    check_address(text);
    check_ip_address(text);
    check_url(text);
    check_times(text);
    check_names(text);
    return 0;
}
