#include "tests/support/temp_dir.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace test_support {

TempDir::TempDir() : path_{(std::filesystem::temp_directory_path() / "cluster-XXXXXX").string()} {
    if (!::mkdtemp(path_.data())) throw std::runtime_error{"mkdtemp " + path_};
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace test_support
