// Each transcript in this directory is a test. `script_test --rewrite`, or SCRIPT_REWRITE=1, renews
// their outputs (of those selected by --gtest_filter); `--directives` lists the directives.
// SIM_TRACE=1 prints everything that happens in the simulator.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/scripts/directive.h"
#include "tests/scripts/player.h"

namespace scripts {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

const fs::path directory = fs::path{SOURCE_DIR} / "tests" / "scripts";

/// The names of all transcripts, sorted.
std::vector<std::string> transcripts() {
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator{directory}) {
        if (file.path().extension() == ".txt" && file.path().filename() != "CMakeLists.txt") {
            names.push_back(file.path().stem());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Whether outputs are written to the transcripts instead of compared.
bool& rewriting() {
    static bool on = std::getenv("SCRIPT_REWRITE") != nullptr;
    return on;
}

/// Shows only the first block that differs, since later blocks follow from it.
void compare(const fs::path& path,
             const Script& script,
             const std::vector<std::vector<std::string>>& outputs) {
    std::optional<Difference> first;
    std::string others;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (script.blocks[i].output == outputs[i]) continue;
        auto difference = differ(script.blocks[i], outputs[i]);
        if (first) {
            others += " " + std::to_string(difference.line);
        } else {
            first = std::move(difference);
        }
    }
    if (!first) return;
    ADD_FAILURE_AT(path.c_str(), static_cast<int>(first->line))
        << "- is what the transcript has, + what happened now:\n"
        << first->text
        << (others.empty() ? "" : "Later blocks differ from these lines on:" + others);
}

void write(const fs::path& path, const std::string& text) {
    std::ofstream file{path};
    file << text;
    file.close();
    ASSERT_TRUE(file) << "cannot write " << path;
    std::cout << path.string() << ": renewed\n";
}

class Scripts : public testing::TestWithParam<std::string> {};

TEST_P(Scripts, HappenAsWritten) {
    const auto path = directory / (GetParam() + ".txt");
    const auto text = read(path);
    const auto script = parse(text);
    ASSERT_TRUE(script) << path.string() << ":" << script.error().message;
    const auto played = play(*script);
    if (!played.failure.empty()) {
        ADD_FAILURE_AT(path.c_str(), static_cast<int>(played.line)) << played.failure;
        return;
    }
    if (!rewriting()) {
        compare(path, *script, played.outputs);
    } else if (const auto renewed = renew(*script, played.outputs); renewed != text) {
        write(path, renewed);
    }
}

INSTANTIATE_TEST_SUITE_P(, Scripts, testing::ValuesIn(transcripts()), [](const auto& script) {
    return script.param;
});

}  // namespace
}  // namespace scripts

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    for (const std::string_view argument : std::vector<std::string_view>{argv + 1, argv + argc}) {
        if (argument == "--directives") {
            std::cout << scripts::usage();
            return 0;
        }
        if (argument != "--rewrite") {
            std::cerr << "unknown argument: " << argument << '\n';
            return 2;
        }
        scripts::rewriting() = true;
    }
    return RUN_ALL_TESTS();
}
