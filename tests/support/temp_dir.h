// A temporary directory of a test.
#pragma once

#include <string>

namespace test_support {

/// Created empty below the system's temporary directory; removed with its contents.
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace test_support
