#include "model/object.h"

namespace model {
namespace {

constexpr std::string_view epoch_prefix = "epoch/";
constexpr std::string_view opened_prefix = "opened/";
constexpr std::string_view ltx_prefix = "ltx/";

std::string fact(const ObjectMeta& meta, const std::string& key) {
    const auto found = meta.metadata.find(key);
    return found == meta.metadata.end() ? std::string{} : found->second;
}

/// The value of a numeric fact; 0 where it is absent, as in files of other tools.
std::optional<std::uint64_t> number(const ObjectMeta& meta, const std::string& key) {
    const auto text = fact(meta, key);
    if (text.empty()) return 0;
    const auto value = parse_number(text);
    if (!value) return std::nullopt;
    return *value;
}

std::string history_text(const std::vector<std::pair<Tenure, Txid>>& history) {
    std::string text = "[";
    for (const auto& [tenure, start] : history) {
        if (text.size() > 1) text += ',';
        text += '[' + std::to_string(tenure.value) + ',' + std::to_string(start.value) + ']';
    }
    return text + ']';
}

/// Inverse of history_text: a JSON array of pairs of numbers, with spaces allowed between tokens.
std::optional<std::vector<std::pair<Tenure, Txid>>> parse_history(std::string_view text) {
    std::string packed;
    for (const char c : text) {
        if (c != ' ') packed += c;
    }
    std::string_view rest = packed;
    const auto eat = [&rest](char c) {
        if (rest.empty() || rest.front() != c) return false;
        rest.remove_prefix(1);
        return true;
    };
    const auto digits = [&rest]() -> std::optional<std::uint64_t> {
        const auto end = std::min(rest.find_first_not_of("0123456789"), rest.size());
        const auto value = parse_number(rest.substr(0, end));
        if (!value) return std::nullopt;
        rest.remove_prefix(end);
        return *value;
    };
    std::vector<std::pair<Tenure, Txid>> history;
    if (!eat('[')) return std::nullopt;
    while (!rest.empty() && rest.front() == '[') {
        rest.remove_prefix(1);
        const auto tenure = digits();
        if (!tenure || !eat(',')) return std::nullopt;
        const auto start = digits();
        if (!start || !eat(']')) return std::nullopt;
        history.emplace_back(Tenure{*tenure}, Txid{*start});
        if (!eat(',')) break;
    }
    if (!eat(']') || !rest.empty()) return std::nullopt;
    return history;
}

std::optional<Marker> parse_marker(const ObjectMeta& meta) {
    const auto epoch = parse_hex16(std::string_view{meta.name}.substr(epoch_prefix.size()));
    if (!epoch) return std::nullopt;
    return Marker{.epoch = {*epoch}, .node = fact(meta, "node")};
}

std::optional<Opened> parse_opened(const ObjectMeta& meta) {
    const auto epoch = parse_hex16(std::string_view{meta.name}.substr(opened_prefix.size()));
    const auto tenure = number(meta, "tenure");
    const auto start = number(meta, "start");
    const auto history = parse_history(fact(meta, "history"));
    if (!epoch || !tenure || !start || !history) return std::nullopt;
    return Opened{.epoch = {*epoch}, .tenure = {*tenure}, .start = {*start}, .history = *history};
}

std::optional<LtxObject> parse_ltx(const ObjectMeta& meta) {
    // ltx/<level>/<16hex>-<16hex>.ltx
    std::string_view rest = std::string_view{meta.name}.substr(ltx_prefix.size());
    if (rest.size() != 2 + 16 + 1 + 16 + 4 || rest[1] != '/' || rest[2 + 16] != '-' ||
        !rest.ends_with(".ltx")) {
        return std::nullopt;
    }
    const auto level = parse_number(rest.substr(0, 1));
    rest.remove_prefix(2);
    const auto min = parse_hex16(rest.substr(0, 16));
    const auto max = parse_hex16(rest.substr(17, 16));
    const auto epoch = number(meta, "epoch");
    const auto tenure = number(meta, "tenure");
    const auto l0_sequence = number(meta, "l0Seq");
    if (!level || !min || !max || *min == 0 || *min > *max || !epoch || !tenure || !l0_sequence) {
        return std::nullopt;
    }
    const bool level0 = *level == 0;
    return LtxObject{.level = static_cast<int>(*level),
                     .min = {*min},
                     .max = {*max},
                     .epoch = {*epoch},
                     .tenure = {*tenure},
                     .prev = level0 ? fact(meta, "prev") : std::string{},
                     .l0_nuid = level0 ? std::string{} : fact(meta, "l0Nuid"),
                     .l0_sequence = {level0 ? 0 : *l0_sequence},
                     .wal_end = parse_wal_position(fact(meta, "walEnd"))};
}

}  // namespace

std::string ltx_name(int level, Txid min, Txid max) {
    return std::string{ltx_prefix} + std::to_string(level) + '/' + to_hex16(min.value) + '-' +
           to_hex16(max.value) + ".ltx";
}

ObjectMeta to_meta(const Marker& marker) {
    return {.name = std::string{epoch_prefix} + to_hex16(marker.epoch.value),
            .metadata = {{"epoch", std::to_string(marker.epoch.value)}, {"node", marker.node}}};
}

ObjectMeta to_meta(const Opened& opened) {
    return {.name = std::string{opened_prefix} + to_hex16(opened.epoch.value),
            .metadata = {{"epoch", std::to_string(opened.epoch.value)},
                         {"tenure", std::to_string(opened.tenure.value)},
                         {"start", std::to_string(opened.start.value)},
                         {"history", history_text(opened.history)}}};
}

ObjectMeta to_meta(const LtxObject& object) {
    ObjectMeta meta{.name = ltx_name(object.level, object.min, object.max),
                    .metadata = {{"epoch", std::to_string(object.epoch.value)},
                                 {"tenure", std::to_string(object.tenure.value)}}};
    if (object.level == 0) {
        meta.metadata["prev"] = object.prev;
    } else {
        meta.metadata["l0Nuid"] = object.l0_nuid;
        meta.metadata["l0Seq"] = std::to_string(object.l0_sequence.value);
    }
    if (object.wal_end) meta.metadata["walEnd"] = to_text(*object.wal_end);
    return meta;
}

LogEntry to_entry(const ObjectMeta& meta) {
    LogEntry entry;
    if (meta.deleted) return entry;
    if (meta.name.starts_with(epoch_prefix)) {
        if (auto marker = parse_marker(meta)) {
            entry.kind = LogEntry::Kind::marker;
            entry.marker = std::move(*marker);
        }
    } else if (meta.name.starts_with(opened_prefix)) {
        if (auto opened = parse_opened(meta)) {
            entry.kind = LogEntry::Kind::opened;
            entry.opened = std::move(*opened);
        }
    } else if (meta.name.starts_with(ltx_prefix)) {
        if (auto object = parse_ltx(meta)) {
            entry.kind = LogEntry::Kind::ltx;
            entry.ltx = std::move(*object);
        }
    }
    return entry;
}

}  // namespace model
