#include "app/nats_options.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "model/url.h"

namespace app {
namespace {

model::Result<std::string> first_line(const std::string& path, const char* key) {
    std::ifstream file{path};
    std::string line;
    if (!file || !std::getline(file, line)) {
        return model::error(model::Errc::invalid,
                            std::string{key} + ": " + path + " cannot be read, or is empty");
    }
    return line;
}

}  // namespace

model::Result<adapters::nats::ConnectionOptions> nats_options(const config::Config& config,
                                                              const std::string& purpose) {
    adapters::nats::ConnectionOptions options;
    options.servers = config.nats.servers;
    options.name = config.cluster_id + "/" + config.node_id + " " + purpose;
    options.credentials = config.nats.credentials;
    options.user = config.nats.user;
    options.password = config.nats.password;
    options.tls = {
        .ca = config.nats.tls.ca, .cert = config.nats.tls.cert, .key = config.nats.tls.key};
    options.pooled_delivery = purpose != "role";
    if (!config.nats.password_file.empty()) {
        auto password = first_line(config.nats.password_file, "nats.passwordFile");
        if (!password) return std::move(password).error();
        options.password = std::move(*password);
    }
    if (!config.nats.token_file.empty()) {
        auto token = first_line(config.nats.token_file, "nats.tokenFile");
        if (!token) return std::move(token).error();
        options.token = std::move(*token);
    }
    return options;
}

std::string address_towards(const std::vector<std::string>& servers) {
    if (servers.empty()) return {};
    const auto url = model::parse_url(servers.front());
    if (!url) return {};
    const auto port = std::to_string(url->port.value_or(4222));
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(url->host.c_str(), port.c_str(), &hints, &found) != 0 || found == nullptr)
        return {};
    std::string address;
    // Connecting a datagram socket determines the route without sending anything.
    const int fd = ::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length) == 0) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (::getnameinfo(reinterpret_cast<sockaddr*>(&own),
                          length,
                          text.data(),
                          text.size(),
                          nullptr,
                          0,
                          NI_NUMERICHOST) == 0) {
            address = text.data();
        }
    }
    if (fd >= 0) ::close(fd);
    ::freeaddrinfo(found);
    return address;
}

}  // namespace app
