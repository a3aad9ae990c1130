#include "reconcilers/replica/local.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "model/ltx/decoder.h"
#include "model/path_text.h"

namespace reconcilers::replica {
namespace {

using model::Errc;
using model::Result;

constexpr std::uint64_t slot_size = 8192;
constexpr const char* sidecars[] = {"-journal", "-wal", "-shm"};

}  // namespace

Local::Local(ports::Files& files, Paths paths, std::string boot_id)
    : files_{files}, paths_{std::move(paths)}, boot_id_{std::move(boot_id)} {}

std::string Local::state_path(const std::string& name) const { return paths_.state + "/" + name; }

template <typename T>
Result<std::optional<T>> Local::load(const std::string& name,
                                     Result<T> (*decode)(model::ByteView)) {
    auto bytes = files_.read(state_path(name));
    if (!bytes) {
        if (bytes.error().code == Errc::not_found) return std::optional<T>{};
        return std::move(bytes).error();
    }
    auto record = decode(*bytes);
    if (!record) return std::move(record).error().during(state_path(name));
    return std::optional<T>{std::move(*record)};
}

Result<void> Local::open() {
    for (const auto& directory : {paths_.state,
                                  state_path("staged"),
                                  model::directory_of(paths_.data),
                                  model::directory_of(paths_.replica)}) {
        if (auto created = files_.create_directory(directory); !created) return created;
    }
    auto intent = load<Intent>("intent", decode_intent);
    if (!intent) return std::move(intent).error();
    auto progress = load_progress(files_, paths_.state);
    if (!progress) return std::move(progress).error();
    if (progress->count >= progress_.count) progress_ = std::move(*progress);
    if (*intent) {
        if (auto done = finish(**intent); !done) {
            return std::move(done).error().during("finish a rename that was begun");
        }
    }
    auto tenure = load<model::Tenure>("tenure", decode_tenure);
    if (!tenure) return std::move(tenure).error();
    tenure_ = *tenure;
    auto checkpoint = load<CheckpointRecord>("checkpoint", decode_checkpoint);
    if (!checkpoint) return std::move(checkpoint).error();
    checkpoint_ = *checkpoint;
    return {};
}

Result<ReplicaProgress> load_progress(ports::Files& files, const std::string& state) {
    // Two slots, written in turn: where one is torn, the other is intact.
    ReplicaProgress newest;
    const auto path = state + "/progress";
    auto size = files.size(path);
    if (!size) {
        if (size.error().code != Errc::not_found) return std::move(size).error();
        return newest;
    }
    for (const std::uint64_t slot : {0U, 1U}) {
        if (*size < (slot + 1) * slot_size) continue;
        auto bytes = files.read_at(path, slot * slot_size, slot_size);
        if (!bytes) return std::move(bytes).error();
        while (!bytes->empty() && bytes->back() == std::byte{0})
            bytes->pop_back();
        auto record = decode_progress(*bytes);
        if (record && record->count >= newest.count) newest = std::move(*record);
    }
    return newest;
}

std::string remembered_log(ports::Files& files, const std::string& state) {
    const auto progress = load_progress(files, state);
    if (!progress || progress->log.sequence.value == 0) return {};
    return progress->log.stream_created;
}

Result<void> Local::save(LogState log, std::optional<Copy> copy, bool durable) {
    ReplicaProgress next{.count = progress_.count + 1,
                         .boot_id = boot_id_,
                         .log = std::move(log),
                         .copy = std::move(copy)};
    auto bytes = encode(next);
    if (bytes.size() > slot_size) return model::error(Errc::invalid, "the progress is too long");
    bytes.resize(slot_size);
    const auto path = state_path("progress");
    if (auto written = files_.write_at(path, (next.count % 2) * slot_size, bytes); !written) {
        return written;
    }
    if (durable) {
        if (auto synced = files_.sync(path); !synced) return synced;
    }
    progress_ = std::move(next);
    return {};
}

Result<bool> Local::data_exists() { return files_.exists(paths_.data); }

Result<void> Local::set_tenure(model::Tenure tenure) {
    if (auto written = files_.write(state_path("tenure"), encode(tenure), true); !written) {
        return written;
    }
    tenure_ = tenure;
    return {};
}

Result<std::vector<Staged>> Local::load_staged() {
    auto names = files_.list(state_path("staged"));
    if (!names) return std::move(names).error();
    std::vector<Staged> all;
    for (const auto& name : *names) {
        const auto parsed = parse_staged_name(name);
        if (!parsed) continue;
        // Without a size limit: one transaction of the application is one file.
        auto bytes = files_.read_at(state_path("staged/" + name), 0, UINT64_MAX);
        if (!bytes) return std::move(bytes).error();
        auto staged = decode_staged(parsed->first, parsed->second, *bytes);
        // Torn by a power cut: its contents cannot be verified.
        if (!staged) continue;
        if (!same_boot() && !staged->ltx.empty() && !model::ltx::decode(staged->ltx)) continue;
        all.push_back(std::move(*staged));
    }
    std::sort(
        all.begin(), all.end(), [](const Staged& a, const Staged& b) { return a.txid < b.txid; });
    return all;
}

Result<void> Local::stage(const Staged& staged, bool durable) {
    auto written = files_.write(state_path("staged/" + staged_name(staged.txid, staged.nuid)),
                                encode_staged(staged),
                                durable);
    if (written) return written;
    // A retry uses another nuid; the error text must be the same, so that it is reported once.
    auto failure = std::move(written).error();
    if (const auto at = failure.message.find(staged.nuid); at != std::string::npos) {
        failure.message.replace(at, staged.nuid.size(), "*");
    }
    return failure;
}

Result<void> Local::rename_staged(model::Txid txid,
                                  const std::string& from,
                                  const std::string& to) {
    return files_.rename(state_path("staged/" + staged_name(txid, from)),
                         state_path("staged/" + staged_name(txid, to)));
}

Result<void> Local::drop(model::Txid txid, const std::string& nuid) {
    return files_.remove(state_path("staged/" + staged_name(txid, nuid)));
}

Result<void> Local::drop_all_staged() {
    auto names = files_.list(state_path("staged"));
    if (!names) return std::move(names).error();
    for (const auto& name : *names) {
        if (auto removed = files_.remove(state_path("staged/" + name)); !removed) return removed;
    }
    if (auto removed = files_.remove(state_path("checkpoint")); !removed) return removed;
    checkpoint_.reset();
    // Without the sync, a removed file could reappear after a power cut and pass for captured data
    // of the database that is there then.
    if (auto synced = files_.sync_directory(state_path("staged")); !synced) return synced;
    return files_.sync_directory(paths_.state);
}

Result<void> Local::save_checkpoint(const CheckpointRecord& checkpoint) {
    if (auto written = files_.write(state_path("checkpoint"), encode(checkpoint), true); !written) {
        return written;
    }
    checkpoint_ = checkpoint;
    return {};
}

Result<void> Local::promote(model::Tenure tenure) {
    Intent intent{.kind = Intent::Kind::promote, .position = {.tenure = tenure}};
    // SQLite would replay an old journal or WAL into a new main file, so they are moved first.
    for (const auto* suffix : {"-journal", "-wal", "-shm", ""}) {
        const auto from = paths_.data + suffix;
        auto exists = files_.exists(from);
        if (!exists) return std::move(exists).error();
        if (*exists) intent.moves.emplace_back(from, paths_.data + ".replaced" + suffix);
    }
    intent.moves.emplace_back(paths_.replica, paths_.data);
    return begin(intent);
}

Result<void> Local::rejoin(model::Position position, const std::string& nuid) {
    for (const auto* suffix : sidecars) {
        auto exists = files_.exists(paths_.data + suffix);
        if (!exists) return std::move(exists).error();
        if (*exists) {
            return model::error(
                Errc::invalid,
                paths_.data + suffix + " is still there: the database is not checkpoint");
        }
    }
    return begin({.kind = Intent::Kind::rejoin,
                  .position = position,
                  .nuid = nuid,
                  .moves = {{paths_.data, paths_.replica}}});
}

Result<void> Local::set_aside(model::Position position) {
    const auto base = paths_.data + ".diverged-" + std::to_string(position.tenure.value) + "-" +
                      std::to_string(position.txid.value);
    auto target = base;
    for (int i = 2;; ++i) {
        auto taken = files_.exists(target);
        if (!taken) return std::move(taken).error();
        if (!*taken) break;
        target = base + "." + std::to_string(i);
    }
    Intent intent{.kind = Intent::Kind::set_aside, .position = position};
    for (const auto* suffix : {"-journal", "-wal", "-shm", ""}) {
        auto exists = files_.exists(paths_.data + suffix);
        if (!exists) return std::move(exists).error();
        if (*exists) intent.moves.emplace_back(paths_.data + suffix, target + suffix);
    }
    return begin(intent);
}

Result<void> Local::begin(const Intent& intent) {
    if (auto written = files_.write(state_path("intent"), encode(intent), true); !written) {
        return written;
    }
    return finish(intent);
}

/// Every step may run twice and may be interrupted anywhere: a move is done if its source is gone
/// or a later move is done.
Result<void> Local::finish(const Intent& intent) {
    std::size_t done = 0;
    for (std::size_t i = 0; i < intent.moves.size(); ++i) {
        auto waiting = files_.exists(intent.moves[i].first);
        if (!waiting) return std::move(waiting).error();
        if (!*waiting) done = i + 1;
    }
    for (std::size_t i = done; i < intent.moves.size(); ++i) {
        const auto& [from, to] = intent.moves[i];
        const bool into_place = intent.kind == Intent::Kind::promote && to == paths_.data;
        if (into_place) {
            // The new file gets owner and mode of the database that it replaces; where there is
            // none, the owner of its directory, who is to open it.
            auto old = files_.exists(paths_.data + ".replaced");
            if (!old) return std::move(old).error();
            if (*old) {
                if (auto kept = files_.copy_owner(paths_.data + ".replaced", from); !kept) {
                    return kept;
                }
            } else if (auto given = files_.give_to_owner_of(model::directory_of(to), from);
                       !given) {
                return given;
            }
            if (auto synced = files_.sync(from); !synced) return synced;
        }
        if (auto moved = files_.rename(from, to); !moved) return moved;
        for (const auto& directory : {model::directory_of(from), model::directory_of(to)}) {
            if (auto synced = files_.sync_directory(directory); !synced) return synced;
        }
    }
    // Update the records, each as a whole file, before the intent is removed.
    std::optional<Copy> copy = progress_.copy;
    if (intent.kind == Intent::Kind::promote) {
        if (auto set = set_tenure(intent.position.tenure); !set) return set;
        copy.reset();
    } else {
        if (auto removed = files_.remove(state_path("tenure")); !removed) return removed;
        tenure_.reset();
        if (intent.kind == Intent::Kind::rejoin) {
            copy = Copy{.position = intent.position, .nuid = intent.nuid};
        }
    }
    // The staged files belong to data that is no longer at dataPath.
    if (auto dropped = drop_all_staged(); !dropped) return dropped;
    if (auto saved = save(progress_.log, copy, true); !saved) return saved;
    if (intent.kind == Intent::Kind::promote) {
        // The replaced database was proven an ancestor (D7), or set aside before. It is deleted
        // only now, and before the intent is removed, so that a crash cannot leave parts of it for
        // ever.
        for (const auto* suffix : {"-journal", "-wal", "-shm", ""}) {
            if (auto removed = files_.remove(paths_.data + ".replaced" + suffix); !removed) {
                return removed;
            }
        }
    }
    if (auto removed = files_.remove(state_path("intent")); !removed) return removed;
    return files_.sync_directory(paths_.state);
}

Result<std::vector<std::string>> Local::list_set_aside() {
    auto names = files_.list(model::directory_of(paths_.data));
    if (!names) return std::move(names).error();
    const auto prefix = model::name_of(paths_.data) + ".diverged-";
    std::vector<std::string> aside;
    for (const auto& name : *names) {
        const bool sidecar = std::any_of(std::begin(sidecars),
                                         std::end(sidecars),
                                         [&](const char* s) { return name.ends_with(s); });
        if (name.starts_with(prefix) && !sidecar)
            aside.push_back(model::directory_of(paths_.data) + "/" + name);
    }
    return aside;
}

}  // namespace reconcilers::replica
