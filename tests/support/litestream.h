// Real Litestream, where scripts/litestream.sh has built it: to read our log, and to compare
// performance.
#pragma once

#include <string>

namespace test_support {

/// The oldest and the newest version that must be able to read our files.
inline constexpr const char* litestream_oldest = "0.5.5";
inline constexpr const char* litestream_newest = "0.5.18";

/// The executable of a version; "" where it is not built.
[[nodiscard]] std::string litestream(const std::string& version);

/// The reason that a skipped test gives.
[[nodiscard]] std::string no_litestream(const std::string& version);

struct Restored {
    int status = -1;     // 0: success
    std::string output;  // what it printed
};

/// Restores the newest state of a replica, e.g. file:///directory or nats://host:port/bucket, into
/// a file that must not exist. Blocks until it is done.
[[nodiscard]] Restored restore_with_litestream(const std::string& version,
                                               const std::string& replica,
                                               const std::string& into);

}  // namespace test_support
