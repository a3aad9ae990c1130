// An HTTP request and its response, as the pages of api/ see them; an adapter speaks HTTP.
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
    std::string allow;  // 405: the allowed methods
    friend bool operator==(const HttpResponse&, const HttpResponse&) = default;
};

}  // namespace model
