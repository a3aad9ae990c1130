#include "model/lock_text.h"

namespace model {

std::string to_text(const LockText& lock) { return lock.holder + "\n" + lock.state_file + "\n"; }

LockText parse_lock_text(std::string_view text) {
    LockText lock;
    for (auto* const line : {&lock.holder, &lock.state_file}) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) break;
        *line = text.substr(0, end);
        text.remove_prefix(end + 1);
    }
    return lock;
}

}  // namespace model
