// Real Litestream, where scripts/litestream.sh has built it: the other reader of our log, and the
// peer of our figures.
#pragma once

#include <string>

namespace test_support {

/// The oldest and the newest that have to read what we write.
inline constexpr const char* litestream_oldest = "0.5.5";
inline constexpr const char* litestream_newest = "0.5.18";

/// The executable of a version; "" where it is not built.
[[nodiscard]] std::string litestream(const std::string& version);

/// What a test says that skips for the want of it.
[[nodiscard]] std::string no_litestream(const std::string& version);

struct Restored {
    int status = -1;     // 0: done
    std::string output;  // what it printed
};

/// Restores the newest state of a replica, e.g. file:///folder or nats://host:port/bucket, into a
/// file that does not exist yet. Waits for its end.
[[nodiscard]] Restored restore_with_litestream(const std::string& version,
                                               const std::string& replica,
                                               const std::string& into);

}  // namespace test_support
