#include "adapters/nats/names.h"

#include <algorithm>

namespace adapters::nats {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool valid_bucket(std::string_view bucket) {
    return !bucket.empty() && std::all_of(bucket.begin(), bucket.end(), [](char c) {
        return is_letter_or_digit(c) || c == '_' || c == '-';
    });
}

bool valid_key(std::string_view key) {
    constexpr std::string_view marks = "-_./\\=";
    return !key.empty() && !key.starts_with('.') && !key.ends_with('.') &&
           key.find("..") == std::string_view::npos &&
           std::all_of(key.begin(), key.end(), [marks](char c) {
               return is_letter_or_digit(c) || marks.find(c) != std::string_view::npos;
           });
}

bool valid_nuid(std::string_view nuid) {
    return !nuid.empty() && std::all_of(nuid.begin(), nuid.end(), [](char c) {
        return c > ' ' && c < 127 && c != '.' && c != '*' && c != '>';
    });
}

}  // namespace adapters::nats
