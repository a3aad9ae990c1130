// Runs a fuzzer's function over files, so that findings stay tests in every build. Uses no
// libFuzzer, and so needs no clang.
//
//   fuzz_regressions THING PATH...     a file, or a directory with all that is below it
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzzers.h"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(const fs::path& path) {
    if (fs::is_regular_file(path)) return {path};
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator{path}) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

int main(int argc, char** argv) {
    const auto* const found =
        std::find_if(std::begin(fuzz::fuzzers), std::end(fuzz::fuzzers), [&](const auto& fuzzer) {
            return argc > 2 && fuzzer.name == std::string_view{argv[1]};
        });
    if (found == std::end(fuzz::fuzzers)) {
        std::fprintf(stderr, "usage: fuzz_regressions THING PATH...\n");
        return 2;
    }
    std::size_t count = 0;
    for (int i = 2; i < argc; ++i) {
        for (const auto& path : files_below(argv[i])) {
            // Printed before the run: where it aborts, this is the last line.
            std::printf("%s\n", path.c_str());
            std::fflush(stdout);
            std::ifstream file{path, std::ios::binary};
            std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>{file}, {}};
            found->run(bytes.data(), bytes.size());
            ++count;
        }
    }
    if (count == 0) std::fprintf(stderr, "no file to run\n");
    return count == 0 ? 1 : 0;
}
