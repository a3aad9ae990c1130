#include "model/result.h"

#include <cstdio>
#include <cstdlib>

namespace model {

void check(bool holds, std::string_view what) {
    if (holds) return;
    std::fprintf(stderr, "broken invariant: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

std::string_view to_text(Errc code) {
    switch (code) {
        case Errc::not_found:
            return "not found";
        case Errc::conflict:
            return "conflict";
        case Errc::fenced:
            return "fenced";
        case Errc::unavailable:
            return "unavailable";
        case Errc::unknown_outcome:
            return "unknown outcome";
        case Errc::corrupt:
            return "corrupt";
        case Errc::invalid:
            return "invalid";
    }
    return "?";
}

}  // namespace model
