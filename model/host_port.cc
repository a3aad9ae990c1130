#include "model/host_port.h"

#include "model/ids.h"

namespace model {

Result<HostPort> parse_host_port(std::string_view text, std::string_view example) {
    const auto wrong = [text, example](std::string_view why) {
        return error(Errc::invalid,
                     "\"" + std::string{text} + "\" is no address: " + std::string{why} +
                         "; write it like " + std::string{example});
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong("the port is missing");
    auto host = text.substr(0, colon);
    const auto port = parse_number(text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return wrong("the port must lie from 1 to 65535");
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
        return wrong("an IPv6 address stands in brackets");
    }
    if (host.empty()) return wrong("the host is missing");
    if (host.find_first_of(" /[]\t\n") != std::string_view::npos) return wrong("that is no host");
    return HostPort{std::string{host}, static_cast<std::uint16_t>(*port)};
}

std::string to_text(const HostPort& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace model
