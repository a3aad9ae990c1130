// A request and its answer, as the faces see them; who speaks HTTP is an adapter.
#pragma once

#include <map>
#include <string>

namespace model {

struct HttpRequest {
    std::string method;  // upper case
    std::string path;    // decoded, without query: "/status"
    std::map<std::string, std::string> query;
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string allow;  // 405: the methods there are
    friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

}  // namespace model
