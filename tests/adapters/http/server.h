// A test's HTTP server on a port of 127.0.0.1.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>

namespace adapters::http {

/// Answers one connection with `answer` and closes it; sends nothing where it is empty.
class Server {
public:
    /// request_ends_with  answers once it has received that
    explicit Server(std::string answer,
                    bool accepts = true,
                    std::string request_ends_with = "\r\n\r\n")
        : answer_{std::move(answer)}, request_end_{std::move(request_ends_with)} {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        EXPECT_EQ(::listen(listener_, 4), 0);
        socklen_t size = sizeof at;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
        port_ = ntohs(at.sin_port);
        if (accepts) thread_ = std::thread{[this] { serve(); }};
    }
    ~Server() {
        ::shutdown(listener_, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        ::close(listener_);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
        return "http://" + host + ":" + std::to_string(port_) + "/version?x=1#part";
    }
    /// The request received; call it after the client is done.
    std::string request() {
        thread_.join();
        return request_;
    }

private:
    void serve() {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        char text[2048];
        do {
            const auto got = ::recv(fd, text, sizeof text, 0);
            if (got <= 0) break;
            request_.append(text, static_cast<std::size_t>(got));
        } while (request_.find(request_end_) == std::string::npos);
        // In two writes, because a status line may arrive in pieces.
        const auto half = answer_.size() / 2;
        ::send(fd, answer_.data(), half, MSG_NOSIGNAL);
        ::send(fd, answer_.data() + half, answer_.size() - half, MSG_NOSIGNAL);
        ::shutdown(fd, SHUT_WR);
        while (::recv(fd, text, sizeof text, 0) > 0) {
        }
        ::close(fd);
    }

    std::string answer_;
    std::string request_end_;
    std::string request_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace adapters::http
