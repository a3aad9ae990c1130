#include "reconcilers/replica/records.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "model/fnv.h"

namespace reconcilers::replica {
namespace {

using model::Bytes;
using model::ByteView;
using model::Errc;
using model::Result;

constexpr std::string_view staged_magic = "CCMSTG1\n";
constexpr std::string_view staged_suffix = ".staged";

/// Values are single lines, but a path or a name from the log may contain any character.
std::string escaped(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (c == '\\') {
            text += "\\\\";
        } else if (c == '\n') {
            text += "\\n";
        } else if (c == '\t') {
            text += "\\t";
        } else {
            text += c;
        }
    }
    return text;
}

/// A backslash before any other character is kept.
std::string unescaped(std::string_view text) {
    std::string value;
    while (!text.empty()) {
        const auto pair = text.substr(0, 2);
        const char c = pair == "\\\\" ? '\\' : pair == "\\n" ? '\n' : pair == "\\t" ? '\t' : '\0';
        value += c == '\0' ? text.front() : c;
        text.remove_prefix(c == '\0' ? 1 : 2);
    }
    return value;
}

using Pair = std::pair<std::string, std::string>;

/// Text format: `<kind> 1`, lines of `key value` (a key may repeat), `end <checksum>`. A value may
/// be a pair, separated by a tab.
class Writer {
public:
    explicit Writer(std::string_view kind) { text_ = std::string{kind} + " 1\n"; }
    Writer& add(std::string_view key, std::string_view value) {
        text_.append(key).append(" ").append(escaped(value)).append("\n");
        return *this;
    }
    Writer& add(std::string_view key, std::uint64_t value) {
        return add(key, std::string_view{std::to_string(value)});
    }
    Writer& add(std::string_view key, const Pair& pair) {
        text_.append(key).append(" ").append(escaped(pair.first));
        text_.append("\t").append(escaped(pair.second)).append("\n");
        return *this;
    }
    [[nodiscard]] Bytes finish() const {
        return model::to_bytes(text_ + "end " + model::to_hex16(model::fnv1a(text_)) + "\n");
    }

private:
    std::string text_;
};

class Reader {
public:
    static Result<Reader> open(std::string_view kind, ByteView bytes) {
        constexpr std::size_t end_size = 4 + 16 + 1;
        const auto text = model::to_text(bytes);
        std::string_view rest{text};
        const auto end = rest.substr(rest.size() - std::min(rest.size(), end_size));
        rest.remove_suffix(end.size());
        if (!rest.starts_with(std::string{kind} + " 1\n") || !rest.ends_with('\n') ||
            !end.starts_with("end ") || !end.ends_with('\n')) {
            return model::error(Errc::corrupt,
                                "not a whole record of kind '" + std::string{kind} + "'");
        }
        const auto sum = model::parse_hex16(end.substr(4, 16));
        if (!sum || *sum != model::fnv1a(rest)) {
            return model::error(
                Errc::corrupt,
                "the checksum of a record of kind '" + std::string{kind} + "' is wrong");
        }
        Reader reader;
        rest.remove_prefix(rest.find('\n') + 1);
        while (!rest.empty()) {
            const auto line = rest.substr(0, rest.find('\n'));
            const auto space = line.find(' ');
            reader.lines_.emplace(std::string{line.substr(0, space)},
                                  space == std::string_view::npos
                                      ? std::string{}
                                      : std::string{line.substr(space + 1)});
            rest.remove_prefix(line.size() + 1);
        }
        return reader;
    }
    [[nodiscard]] bool has(const std::string& key) const { return lines_.contains(key); }
    [[nodiscard]] std::string text(const std::string& key) const {
        const auto found = lines_.find(key);
        return found == lines_.end() ? std::string{} : unescaped(found->second);
    }
    /// 0 where it is absent or not a number: the checksum was verified, so the writer meant that.
    [[nodiscard]] std::uint64_t number(const std::string& key) const {
        const auto value = model::parse_number(text(key));
        return value ? *value : 0;
    }
    /// The pairs of all lines with this key. Empty: one of them is not a pair.
    [[nodiscard]] std::optional<std::vector<Pair>> pairs(const std::string& key,
                                                         char between) const {
        std::vector<Pair> all;
        const auto [first, last] = lines_.equal_range(key);
        for (auto it = first; it != last; ++it) {
            const std::string_view line{it->second};
            const auto at = line.find(between);
            if (at == std::string_view::npos) return std::nullopt;
            all.emplace_back(unescaped(line.substr(0, at)), unescaped(line.substr(at + 1)));
        }
        return all;
    }

private:
    std::multimap<std::string, std::string> lines_;  // equal keys keep their order
};

}  // namespace

Bytes encode(const ReplicaProgress& progress) {
    const auto& log = progress.log;
    Writer out{"progress"};
    out.add("count", progress.count)
        .add("boot", progress.boot_id)
        .add("stream", log.stream_created)
        .add("sequence", log.sequence.value)
        .add("at", log.at)
        .add("marker", log.marker.value)
        .add("markerNode", log.marker_node)
        .add("markerAt", log.marker_at.value)
        .add("last", log.last.value)
        .add("lastNuid", log.last_nuid)
        .add("lastAt", log.last_at.value);
    if (log.last_end) out.add("lastEnd", model::to_text(*log.last_end));
    if (log.opened) {
        out.add("openedEpoch", log.opened->epoch.value)
            .add("openedTenure", log.opened->tenure.value)
            .add("openedStart", log.opened->start.value);
        for (const auto& [tenure, start] : log.opened->history) {
            out.add("tenure", std::to_string(tenure.value) + " " + std::to_string(start.value));
        }
    }
    if (log.snapshot) {
        out.add("snapshotAt", log.snapshot->sequence.value)
            .add("snapshotNuid", log.snapshot->meta.nuid)
            .add("snapshotSize", log.snapshot->meta.size)
            .add("snapshotChunks", log.snapshot->meta.chunks)
            .add("snapshotMax", log.snapshot_facts.max.value)
            .add("snapshotEpoch", log.snapshot_facts.epoch.value)
            .add("snapshotTenure", log.snapshot_facts.tenure.value)
            .add("snapshotL0", log.snapshot_facts.l0_nuid)
            .add("snapshotL0At", log.snapshot_facts.l0_sequence.value);
        if (log.snapshot_facts.wal_end) {
            out.add("snapshotEnd", model::to_text(*log.snapshot_facts.wal_end));
        }
    }
    if (progress.copy) {
        out.add("copyTenure", progress.copy->position.tenure.value)
            .add("copyTxid", progress.copy->position.txid.value)
            .add("copyNuid", progress.copy->nuid)
            .add("copyClean", progress.copy->clean ? 1 : 0)
            .add("copyApplying", progress.copy->applying);
    }
    return out.finish();
}

Result<ReplicaProgress> decode_progress(ByteView bytes) {
    auto in = Reader::open("progress", bytes);
    if (!in) return std::move(in).error();
    ReplicaProgress progress;
    progress.count = in->number("count");
    progress.boot_id = in->text("boot");
    auto& log = progress.log;
    log.stream_created = in->text("stream");
    log.sequence = {in->number("sequence")};
    log.at = in->text("at");
    log.marker = {in->number("marker")};
    log.marker_node = in->text("markerNode");
    log.marker_at = {in->number("markerAt")};
    log.last = {in->number("last")};
    log.last_nuid = in->text("lastNuid");
    log.last_at = {in->number("lastAt")};
    log.last_end = model::parse_wal_position(in->text("lastEnd"));
    if (in->has("openedEpoch")) {
        model::Opened opened{.epoch = {in->number("openedEpoch")},
                             .tenure = {in->number("openedTenure")},
                             .start = {in->number("openedStart")}};
        const auto history = in->pairs("tenure", ' ');
        if (!history) return model::error(Errc::corrupt, "a tenure has no start");
        for (const auto& pair : *history) {
            const auto tenure = model::parse_number(pair.first);
            const auto start = model::parse_number(pair.second);
            if (!tenure || !start) return model::error(Errc::corrupt, "a tenure is no number");
            opened.history.emplace_back(model::Tenure{*tenure}, model::Txid{*start});
        }
        log.opened = std::move(opened);
    }
    if (in->has("snapshotAt")) {
        log.snapshot_facts = {.level = 9,
                              .min = {1},
                              .max = {in->number("snapshotMax")},
                              .epoch = {in->number("snapshotEpoch")},
                              .tenure = {in->number("snapshotTenure")},
                              .prev = {},
                              .l0_nuid = in->text("snapshotL0"),
                              .l0_sequence = {in->number("snapshotL0At")},
                              .wal_end = model::parse_wal_position(in->text("snapshotEnd"))};
        model::StoredMeta stored{.sequence = {in->number("snapshotAt")},
                                 .meta = model::to_meta(log.snapshot_facts)};
        stored.meta.nuid = in->text("snapshotNuid");
        stored.meta.size = in->number("snapshotSize");
        stored.meta.chunks = in->number("snapshotChunks");
        log.snapshot = std::move(stored);
    }
    if (in->has("copyTxid")) {
        progress.copy = Copy{.position = {{in->number("copyTenure")}, {in->number("copyTxid")}},
                             .nuid = in->text("copyNuid"),
                             .clean = in->number("copyClean") == 1,
                             .applying = in->text("copyApplying")};
    }
    return progress;
}

Bytes encode(const Intent& intent) {
    Writer out{"intent"};
    out.add("kind", static_cast<std::uint64_t>(intent.kind))
        .add("tenure", intent.position.tenure.value)
        .add("txid", intent.position.txid.value)
        .add("nuid", intent.nuid);
    for (const auto& move : intent.moves)
        out.add("move", move);
    return out.finish();
}

Result<Intent> decode_intent(ByteView bytes) {
    auto in = Reader::open("intent", bytes);
    if (!in) return std::move(in).error();
    if (in->number("kind") > 2) return model::error(Errc::corrupt, "an intent of unknown kind");
    Intent intent{.kind = static_cast<Intent::Kind>(in->number("kind")),
                  .position = {{in->number("tenure")}, {in->number("txid")}},
                  .nuid = in->text("nuid")};
    auto moves = in->pairs("move", '\t');
    if (!moves) return model::error(Errc::corrupt, "a move of an intent has no target");
    intent.moves = *std::move(moves);
    return intent;
}

Bytes encode(model::Tenure tenure) { return Writer{"tenure"}.add("tenure", tenure.value).finish(); }

Result<model::Tenure> decode_tenure(ByteView bytes) {
    auto in = Reader::open("tenure", bytes);
    if (!in) return std::move(in).error();
    return model::Tenure{in->number("tenure")};
}

bool same_capture(const Staged& staged, const LogState& log) {
    return staged.txid == log.last &&
           (staged.nuid == log.last_nuid || (log.last_end && staged.to == *log.last_end));
}

std::string staged_name(model::Txid txid, const std::string& nuid) {
    return model::to_hex16(txid.value) + "-" + nuid + std::string{staged_suffix};
}

std::optional<std::pair<model::Txid, std::string>> parse_staged_name(const std::string& name) {
    if (name.size() < 17 + staged_suffix.size() || name[16] != '-' ||
        !name.ends_with(staged_suffix)) {
        return std::nullopt;
    }
    const auto txid = model::parse_hex16(std::string_view{name}.substr(0, 16));
    if (!txid) return std::nullopt;
    return std::pair{model::Txid{*txid}, name.substr(17, name.size() - 17 - staged_suffix.size())};
}

Bytes encode_staged(const Staged& staged) {
    auto bytes = model::to_bytes(std::string{staged_magic} + model::to_text(staged.to) + "\n");
    bytes.insert(bytes.end(), staged.ltx.begin(), staged.ltx.end());
    return bytes;
}

Result<Staged> decode_staged(model::Txid txid, const std::string& nuid, ByteView bytes) {
    const auto head = model::to_text(bytes.subspan(0, std::min<std::size_t>(bytes.size(), 80)));
    const auto line_end = head.find('\n', staged_magic.size());
    const auto to = head.starts_with(staged_magic) && line_end != std::string::npos
                        ? model::parse_wal_position(std::string_view{head}.substr(
                              staged_magic.size(), line_end - staged_magic.size()))
                        : std::nullopt;
    if (!to) return model::error(Errc::corrupt, "not a staged file");
    const auto ltx = bytes.subspan(line_end + 1);
    return Staged{.txid = txid, .nuid = nuid, .to = *to, .ltx = {ltx.begin(), ltx.end()}};
}

Bytes encode(const CheckpointRecord& checkpoint) {
    return Writer{"checkpoint"}
        .add("tenure", checkpoint.tenure.value)
        .add("txid", checkpoint.txid.value)
        .add("to", model::to_text(checkpoint.to))
        .finish();
}

Result<CheckpointRecord> decode_checkpoint(ByteView bytes) {
    auto in = Reader::open("checkpoint", bytes);
    if (!in) return std::move(in).error();
    const auto to = model::parse_wal_position(in->text("to"));
    if (!to) return model::error(Errc::corrupt, "a position is not readable");
    return CheckpointRecord{
        .tenure = {in->number("tenure")}, .txid = {in->number("txid")}, .to = *to};
}

}  // namespace reconcilers::replica
