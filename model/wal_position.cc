#include "model/wal_position.h"

#include "model/ids.h"

namespace model {

std::string to_text(const WalPosition& position) {
    return std::to_string(position.salt1) + " " + std::to_string(position.salt2) + " " +
           std::to_string(position.frames) + " " + std::to_string(position.checksum1) + " " +
           std::to_string(position.checksum2);
}

std::optional<WalPosition> parse_wal_position(std::string_view text) {
    std::uint32_t fields[5] = {};
    for (auto& field : fields) {
        const auto space = text.find(' ');
        const auto value = parse_number(text.substr(0, space));
        if (!value || *value > 0xffffffffU) return std::nullopt;
        field = static_cast<std::uint32_t>(*value);
        const bool last = &field == std::end(fields) - 1;
        if (last != (space == std::string_view::npos)) return std::nullopt;
        text.remove_prefix(last ? text.size() : space + 1);
    }
    return WalPosition{.salt1 = fields[0],
                       .salt2 = fields[1],
                       .frames = fields[2],
                       .checksum1 = fields[3],
                       .checksum2 = fields[4]};
}

}  // namespace model
