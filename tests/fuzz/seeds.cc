// Writes the seeds made by our encoders: a value of each kind with all its fields.
//
//   fuzz_seeds DIRECTORY     writes DIRECTORY/<thing>/<name>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "adapters/json/records.h"
#include "adapters/nats/object_meta.h"
#include "api/pages.h"
#include "model/warden_message.h"
#include "reconcilers/replica/records.h"
#include "tests/adapters/json/sample_records.h"
#include "warden/state_file.h"

namespace {

namespace fs = std::filesystem;
namespace replica = reconcilers::replica;

class Corpus {
public:
    explicit Corpus(fs::path directory) : directory_{std::move(directory)} {}

    void add(const std::string& thing, const std::string& name, const std::string& text) {
        fs::create_directories(directory_ / thing);
        std::ofstream file{directory_ / thing / name, std::ios::binary};
        file << text;
        file.close();
        good_ = good_ && file.good();
    }
    void add(const std::string& thing, const std::string& name, const model::Bytes& bytes) {
        add(thing, name, model::to_text(bytes));
    }
    [[nodiscard]] bool good() const { return good_; }

private:
    fs::path directory_;
    bool good_ = true;
};

constexpr model::WalPosition position{.salt1 = 0x01020304,
                                      .salt2 = 0xa0b0c0d0,
                                      .frames = 17,
                                      .checksum1 = 3'000'000'000,
                                      .checksum2 = 5};

model::ObjectMeta file_meta(int level, std::uint64_t min, std::uint64_t max, std::string prev) {
    auto meta = model::to_meta(model::LtxObject{.level = level,
                                                .min = {min},
                                                .max = {max},
                                                .epoch = {3},
                                                .tenure = {3},
                                                .prev = std::move(prev),
                                                .l0_nuid = level == 0 ? "" : "nuid1",
                                                .l0_sequence = {level == 0 ? 0U : 3U},
                                                .wal_end = position});
    meta.nuid = "nuid" + std::to_string(max);
    meta.size = 755;
    meta.chunks = 1;
    meta.digest = "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=";
    meta.headers = {{"Litestream-Timestamp", "2026-01-02T03:04:05Z"}};
    return meta;
}

void add_log(Corpus& to) {
    auto marker = model::to_meta(model::Marker{.epoch = {3}, .node = "n1"});
    marker.nuid = "nuidm";
    auto opened = model::to_meta(
        model::Opened{.epoch = {3}, .tenure = {3}, .start = {}, .history = {{{1}, {}}, {{3}, {}}}});
    opened.nuid = "nuido";
    auto tombstone = model::ObjectMeta{.name = "x", .nuid = "nuidx", .deleted = true};
    std::string log;
    int number = 0;
    for (const auto& meta : {marker,
                             opened,
                             file_meta(0, 1, 1, ""),
                             file_meta(0, 2, 2, "nuid1"),
                             file_meta(9, 1, 2, ""),
                             tombstone}) {
        const auto text = *adapters::nats::to_json(meta, "convex-c-wal");
        to.add("object_meta", "meta-" + std::to_string(++number), text);
        log += text + "\n";
    }
    to.add("log", "log", log);
}

void add_records(Corpus& to) {
    namespace json = adapters::json;
    auto lease = samples::lease();
    lease.unknown_fields = R"({"future":{"a":[1,2.5,null]}})";
    to.add("records", "lease", json::encode(lease));
    to.add("records", "lease-of-go", std::string{"node-1"});
    const auto status = samples::status();
    to.add("records", "status", json::encode(status));
    to.add("records", "status-page", api::status_page({.node = status}, {}));
    to.add("records", "spec", json::encode(samples::spec()));
}

void add_warden(Corpus& to) {
    using Kind = model::WardenRequest::Kind;
    const model::Instant at{model::Duration{123'456'789'012'345}};
    const model::WardenTarget target{
        .kind = model::WardenTarget::Kind::address, .name = "2001:db8::7/64", .interface = "eth0"};
    const auto add = [&to](const char* name, const model::WardenRequest& request) {
        to.add("warden_message", name, *model::encode(request));
    };
    add("set_deadline", {.kind = Kind::set_deadline, .id = 1, .valid_until = at});
    add("start_backend", {.kind = Kind::start_backend, .id = 2, .entry = {0}});
    add("stop_backend", {.kind = Kind::stop_backend, .id = 3});
    add("claim", {.kind = Kind::claim, .id = 4, .text = "n1-7"});
    add("register_target", {.kind = Kind::register_target, .id = 5, .entry = {1}});
    add("unregister_target", {.kind = Kind::unregister_target, .id = 6, .entry = {2}});
    to.add("warden_message",
           "list",
           *model::encode(
               model::WardenList{.items = {model::Spawn{.command = {"backend", "--port", "80"},
                                                        .path = {"/usr/bin", "/bin"},
                                                        .dir = "/",
                                                        .env = {"A=b", "C="},
                                                        .change_user = true,
                                                        .uid = 33,
                                                        .gid = 33,
                                                        .groups = {4, 5},
                                                        .limits = {{"nofile", 1024}}},
                                           target,
                                           model::WardenTarget{.name = "/sys/fs/cgroup/a"}}}));
    const model::WardenStatus status{.valid_until = at,
                                     .backend_running = true,
                                     .backend_contained = true,
                                     .backend_pid = 42,
                                     .backend_start_ticks = 777,
                                     .backend_cgroup = "/sys/fs/cgroup/a b",
                                     .backend_starts = 2,
                                     .backend_exit = 256,
                                     .incarnation = "n1-7"};
    to.add("warden_message", "answer", model::encode({.id = 7, .failure = {}, .status = status}));
    to.add("warden_message",
           "refusal",
           model::encode({.id = 8, .failure = model::error(model::Errc::fenced, "too late")}));

    warden::Saved saved{.boot_id = "4f0c", .valid_until = at, .incarnation = "n1 with spaces"};
    to.add("state_file", "lease-alone", warden::to_text(saved));
    saved.backend = warden::Saved::Backend{
        .token = "aa-1", .cgroup = "/sys/fs/cgroup/a b", .pid = 42, .start_ticks = 777};
    saved.warden = {.pid = 7, .start_ticks = 770};
    saved.cgroup = "/sys/fs/cgroup/a b";
    saved.leftovers = {{.token = "bb-2"}};
    saved.targets_alive = true;
    saved.targets = {{.name = "/sys/fs/cgroup/x y"}, target};
    to.add("state_file", "full", warden::to_text(saved));
}

void add_replica(Corpus& to) {
    const auto add = [&to](const char* name, const model::Bytes& bytes) {
        to.add("replica_records", name, bytes);
    };
    replica::LogState log;
    log.stream_created = "2026-01-02T03:04:05Z";
    std::uint64_t sequence = 0;
    for (const auto& meta :
         {model::to_meta(model::Marker{.epoch = {3}, .node = "n1"}),
          model::to_meta(model::Opened{
              .epoch = {3}, .tenure = {3}, .start = {}, .history = {{{1}, {}}, {{3}, {}}}}),
          file_meta(0, 1, 1, ""),
          file_meta(9, 1, 1, "")}) {
        (void)replica::fold(log, {.sequence = {++sequence}, .meta = meta, .stored_at = {}});
    }
    add("progress",
        replica::encode(replica::ReplicaProgress{
            .count = 5,
            .boot_id = "b",
            .log = log,
            .copy = replica::Copy{
                .position = {{3}, {1}}, .nuid = "nuid1", .clean = false, .applying = "nuid2"}}));
    add("progress-empty", replica::encode(replica::ReplicaProgress{}));
    add("intent",
        replica::encode(
            replica::Intent{.kind = replica::Intent::Kind::rejoin,
                            .position = {{3}, {1}},
                            .nuid = "nuid1",
                            .moves = {{"/d/db", "/d/db.old"}, {"/d/db-wal", "/d/db.old-wal"}}}));
    add("tenure", replica::encode(model::Tenure{3}));
    add("checkpoint",
        replica::encode(replica::CheckpointRecord{.tenure = {3}, .txid = {1}, .to = position}));
    add("staged",
        replica::encode_staged(
            {.txid = {7}, .nuid = "nuid", .to = position, .ltx = model::to_bytes("LTX1\n")}));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: fuzz_seeds DIRECTORY\n");
        return 2;
    }
    Corpus corpus{argv[1]};
    add_log(corpus);
    add_records(corpus);
    add_warden(corpus);
    add_replica(corpus);
    return corpus.good() ? 0 : 1;
}
