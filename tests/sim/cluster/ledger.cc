#include "tests/sim/cluster/ledger.h"

#include <algorithm>

#include "model/big_endian.h"
#include "tests/sim/database/sim_sqlite.h"

namespace sim {
namespace {

using model::Bytes;
using model::Errc;
using model::Result;

constexpr std::size_t count_offset = 100;
// pages before it change with every commit, without holding rows
constexpr std::uint32_t first_row_page = 10;
constexpr std::uint64_t rows_in_page = sim_page_size / sizeof(std::uint64_t);

void put(Bytes& page, std::size_t offset, std::uint64_t value) {
    Bytes bytes;
    model::append_be(bytes, value);
    std::copy(bytes.begin(), bytes.end(), page.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::uint64_t get(const Bytes& page, std::size_t offset) {
    return model::load_be<std::uint64_t>(model::ByteView{page}.subspan(offset));
}

std::uint32_t page_of(std::uint64_t index) {
    return first_row_page + static_cast<std::uint32_t>(index / rows_in_page);
}

std::size_t offset_of(std::uint64_t index) {
    return static_cast<std::size_t>(index % rows_in_page) * sizeof(std::uint64_t);
}

}  // namespace

Result<Rows> read_rows(const PageReader& read) {
    auto first = read(1);
    if (!first) return std::move(first).error();
    if (first->size() != sim_page_size || !model::to_text(*first).starts_with("SQLite format 3")) {
        return model::error(Errc::corrupt, "page 1 is none of a database");
    }
    const auto count = get(*first, count_offset);
    Rows rows;
    Bytes page;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (i % rows_in_page == 0) {
            auto next = read(page_of(i));
            if (!next) return std::move(next).error();
            page = std::move(*next);
            if (page.size() != sim_page_size) {
                return model::error(Errc::corrupt, "row " + std::to_string(i) + " has no page");
            }
        }
        rows.push_back(get(page, offset_of(i)));
        if (rows.back() == 0) {
            return model::error(Errc::corrupt, "row " + std::to_string(i) + " is missing");
        }
    }
    return rows;
}

Result<std::vector<model::Page>> add_row(std::uint64_t row,
                                         const PageReader& read,
                                         reconcilers::ports::Random& random) {
    auto first = read(1);
    if (!first) return std::move(first).error();
    const auto count = get(*first, count_offset);
    auto page = read(page_of(count));
    if (!page) return std::move(page).error();
    page->resize(sim_page_size);
    put(*page, offset_of(count), row);
    put(*first, count_offset, count + 1);
    std::vector<model::Page> pages{{.number = 1, .data = std::move(*first)}};
    for (std::uint32_t number = 2; number < first_row_page; ++number) {
        if (random.below(3) != 0) continue;
        Bytes filler(sim_page_size, static_cast<std::byte>(number));
        put(filler, 0, row);
        pages.push_back({.number = number, .data = std::move(filler)});
    }
    pages.push_back({.number = page_of(count), .data = std::move(*page)});
    return pages;
}

bool begins_with(const Rows& rows, const Rows& first) {
    return rows.size() >= first.size() && std::equal(first.begin(), first.end(), rows.begin());
}

}  // namespace sim
