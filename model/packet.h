// Numbers and texts in sequence, in the byte order of the machine: for messages between processes
// of this program on one machine, not for a network or a disk.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/bytes.h"
#include "model/result.h"

namespace model {

class PacketWriter {
public:
    template <typename T>
    void number(T value) {
        static_assert(std::is_integral_v<T>);
        const auto* from = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), from, from + sizeof value);
    }
    void flag(bool value) { number(static_cast<std::uint8_t>(value)); }
    void text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        const auto view = as_bytes(value);
        bytes_.insert(bytes_.end(), view.begin(), view.end());
    }
    void texts(const std::vector<std::string>& values) {
        number(static_cast<std::uint32_t>(values.size()));
        for (const auto& value : values)
            text(value);
    }
    [[nodiscard]] Bytes take() { return std::move(bytes_); }

private:
    Bytes bytes_;
};

/// Keeps its first failure; the caller checks once, at the end.
class PacketReader {
public:
    /// The largest number of elements of a list in a packet.
    static constexpr std::uint32_t list_limit = 4096;

    explicit PacketReader(ByteView from) : rest_{from} {}

    template <typename T>
    T number() {
        T value{};
        if (!has(sizeof value)) return value;
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_ = rest_.subspan(sizeof value);
        return value;
    }
    bool flag() {
        const auto value = number<std::uint8_t>();
        if (value > 1) refuse("a flag is neither 0 nor 1");
        return value == 1;
    }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (!has(size)) return {};
        auto value = to_text(rest_.first(size));
        rest_ = rest_.subspan(size);
        if (value.find('\0') != std::string::npos) refuse("a text has a NUL in it");
        return value;
    }
    std::vector<std::string> texts() {
        std::vector<std::string> values;
        const auto many = count();
        for (std::uint32_t i = 0; i < many && good(); ++i)
            values.push_back(text());
        return values;
    }
    std::uint32_t count() {
        const auto value = number<std::uint32_t>();
        if (value > list_limit) refuse("a list has more than 4096 elements");
        return good() ? value : 0;
    }
    void refuse(const char* why) {
        if (good()) why_ = why;
    }
    [[nodiscard]] bool good() const { return why_ == nullptr; }
    /// The packet must end here. Empty: it was valid.
    [[nodiscard]] std::optional<Error> finish() {
        if (!rest_.empty()) refuse("it is too long");
        if (good()) return std::nullopt;
        return error(Errc::invalid, std::string{"malformed packet: "} + why_);
    }

private:
    bool has(std::size_t size) {
        if (rest_.size() < size) refuse("it is cut off");
        return good();
    }
    ByteView rest_;
    const char* why_ = nullptr;
};

}  // namespace model
