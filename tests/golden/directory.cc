#include "tests/golden/directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "model/ltx/decoder.h"

namespace golden {

model::Bytes read(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    EXPECT_TRUE(file) << path;
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    return model::to_bytes(text);
}

std::vector<std::filesystem::path> sorted(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files{std::filesystem::directory_iterator{directory}, {}};
    std::sort(files.begin(), files.end());
    return files;
}

model::Bytes apply(const std::vector<std::filesystem::path>& files) {
    std::map<std::uint32_t, model::Bytes> pages;
    std::uint32_t commit = 0;
    for (const auto& path : files) {
        auto file = model::ltx::decode(read(path));
        EXPECT_TRUE(file) << path << ": " << file.error().message;
        if (!file) return {};
        commit = file->header.commit;
        for (auto& page : file->pages)
            pages[page.number] = std::move(page.data);
        pages.erase(pages.upper_bound(commit), pages.end());
    }
    EXPECT_EQ(pages.size(), commit);
    model::Bytes database;
    for (const auto& [number, page] : pages)
        database.insert(database.end(), page.begin(), page.end());
    return database;
}

}  // namespace golden
