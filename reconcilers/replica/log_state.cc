#include "reconcilers/replica/log_state.h"

namespace reconcilers::replica {
namespace {

using model::LogEntry;

bool stale(const LogState& state, model::Epoch epoch) { return epoch < state.marker; }

/// Whether a level 0 file continues the log: "" or the reason why not. Files of epoch 0 come from
/// other tools and name no predecessor, so only their TXIDs are checked.
std::string breaks(const LogState& state, const model::LtxObject& object) {
    if (object.min != object.max && object.epoch.value != 0) {
        return "it spans several transactions";
    }
    if (state.last.value == 0) {
        // The log begins here, or retention deleted the files that the snapshot contains.
        const bool after_snapshot = state.snapshot && object.prev == state.snapshot_facts.l0_nuid &&
                                    object.min == state.snapshot_facts.max.next();
        if (!object.prev.empty() && !after_snapshot)
            return "it names a predecessor that is not in the log";
        return {};
    }
    if (object.min != state.last.next()) {
        return "its TXID " + std::to_string(object.min.value) + " does not follow " +
               std::to_string(state.last.value);
    }
    if (object.epoch.value != 0 && object.prev != state.last_nuid) {
        return "it names " + object.prev + " as its predecessor, not " + state.last_nuid;
    }
    return {};
}

}  // namespace

std::string identity(const model::ObjectMeta& meta) { return meta.name + " " + meta.nuid; }

Folded fold(LogState& state, const model::StoredMeta& meta) {
    Folded folded{.kind = Folded::Kind::nothing, .entry = model::to_entry(meta.meta), .why = {}};
    const auto& entry = folded.entry;
    const auto void_epoch = [&](model::Epoch epoch) {
        folded.kind = Folded::Kind::void_epoch;
        folded.why = meta.meta.name + " is of epoch " + std::to_string(epoch.value) +
                     ", behind the marker of epoch " + std::to_string(state.marker.value);
    };
    switch (entry.kind) {
        case LogEntry::Kind::marker:
            if (stale(state, entry.marker.epoch)) {
                void_epoch(entry.marker.epoch);
                break;
            }
            state.marker = entry.marker.epoch;
            state.marker_node = entry.marker.node;
            state.marker_at = meta.sequence;
            folded.kind = Folded::Kind::marker;
            break;
        case LogEntry::Kind::opened:
            if (stale(state, entry.opened.epoch)) {
                void_epoch(entry.opened.epoch);
                break;
            }
            if (entry.opened.start != state.visible() && state.visible().value != 0) {
                folded.kind = Folded::Kind::broken;
                folded.why = meta.meta.name + " begins at TXID " +
                             std::to_string(entry.opened.start.value) + ", the log ends at " +
                             std::to_string(state.visible().value);
                return folded;
            }
            state.opened = entry.opened;
            folded.kind = Folded::Kind::opened;
            break;
        case LogEntry::Kind::ltx:
            if (entry.ltx.epoch.value != 0 && stale(state, entry.ltx.epoch)) {
                void_epoch(entry.ltx.epoch);
                break;
            }
            if (entry.ltx.level == 0) {
                if (auto why = breaks(state, entry.ltx); !why.empty()) {
                    folded.kind = Folded::Kind::broken;
                    folded.why = meta.meta.name + ": " + why;
                    return folded;
                }
                state.last = entry.ltx.max;
                state.last_nuid = meta.meta.nuid;
                state.last_at = meta.sequence;
                state.last_end = entry.ltx.wal_end;
                folded.kind = Folded::Kind::level0;
            } else if (entry.ltx.level == 9 && entry.ltx.min.value == 1) {
                if (!state.snapshot || entry.ltx.max >= state.snapshot_facts.max) {
                    state.snapshot = meta;
                    state.snapshot_facts = entry.ltx;
                }
                folded.kind = Folded::Kind::snapshot;
            }
            break;
        case LogEntry::Kind::other:
            break;
    }
    state.sequence = meta.sequence;
    state.at = identity(meta.meta);
    return folded;
}

}  // namespace reconcilers::replica
