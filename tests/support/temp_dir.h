// A folder of a test's own.
#pragma once

#include <string>

namespace test_support {

/// Made empty below the system's folder for temporary files; removed with all in it.
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
