#include "tests/sim/cluster/mutation.h"

#include <set>
#include <utility>

#include "tests/sim/store/forwarding_log_store.h"

namespace sim {
namespace {

using model::Result;
namespace ports = reconcilers::ports;

class Overwriting final : public adapters::kv::KvStore {
public:
    explicit Overwriting(adapters::kv::KvStore& inner) : inner_{inner} {}
    Result<std::optional<adapters::kv::KvEntry>> get(std::string_view key) override {
        return inner_.get(key);
    }
    Result<std::vector<adapters::kv::KvEntry>> list() override { return inner_.list(); }
    Result<model::Revision> update(std::string_view key,
                                   model::ByteView value,
                                   model::Revision) override {
        return inner_.put(key, value);
    }
    Result<model::Revision> put(std::string_view key, model::ByteView value) override {
        return inner_.put(key, value);
    }
    Result<void> erase(std::string_view key, model::Revision expected) override {
        return inner_.erase(key, expected);
    }
    Result<model::Revision> last_revision() override { return inner_.last_revision(); }
    std::uint64_t connection_generation() const override { return inner_.connection_generation(); }
    void on_change(std::function<void()> wake) override { inner_.on_change(std::move(wake)); }

private:
    adapters::kv::KvStore& inner_;
};

class WithoutExpectation final : public ForwardingLogStore {
public:
    using ForwardingLogStore::ForwardingLogStore;
    Result<model::Sequence> publish_chunks(std::string_view nuid,
                                           const std::vector<model::ByteView>& pieces,
                                           model::Sequence) override {
        const auto state = inner_.state();
        if (!state) return state.error();
        return inner_.publish_chunks(nuid, pieces, state->last);
    }
    Result<model::Sequence> publish_meta(const model::ObjectMeta& meta,
                                         std::optional<model::Sequence>) override {
        return inner_.publish_meta(meta, std::nullopt);
    }
};

/// A level 0 file is visible only once another one follows: the reader reaches the end too early.
class BehindByOne final : public ForwardingLogStore {
public:
    using ForwardingLogStore::ForwardingLogStore;
    Result<std::optional<model::StoredMeta>> next_meta(model::Sequence from) override {
        auto meta = inner_.next_meta(from);
        while (meta && *meta && level0(**meta)) {
            const auto after = (*meta)->sequence.next();
            auto later = inner_.next_meta(after);
            while (later && *later && !level0(**later))
                later = inner_.next_meta((*later)->sequence.next());
            if (!later || *later) return later ? meta : later;
            meta = inner_.next_meta(after);
        }
        return meta;
    }

private:
    static bool level0(const model::StoredMeta& meta) {
        const auto entry = model::to_entry(meta.meta);
        return entry.kind == model::LogEntry::Kind::ltx && entry.ltx.level == 0;
    }
};

/// Of all markers only its own are seen.
class OwnMarkersOnly final : public ForwardingLogStore {
public:
    using ForwardingLogStore::ForwardingLogStore;
    Result<model::Sequence> publish_meta(const model::ObjectMeta& meta,
                                         std::optional<model::Sequence> last) override {
        if (!last) own_.insert(meta.nuid);
        return inner_.publish_meta(meta, last);
    }
    Result<std::optional<model::StoredMeta>> next_meta(model::Sequence from) override {
        auto meta = inner_.next_meta(from);
        if (!meta || !*meta || own_.contains((*meta)->meta.nuid)) return meta;
        const auto entry = model::to_entry((*meta)->meta);
        if (entry.kind == model::LogEntry::Kind::marker) (*meta)->meta = {};
        return meta;
    }

private:
    std::set<std::string> own_;
};

class EveryFrame final : public ports::Database {
public:
    explicit EveryFrame(ports::Database& inner) : inner_{inner} {}
    Result<Mode> mode() override { return inner_.mode(); }
    Result<void> convert_to_wal() override { return inner_.convert_to_wal(); }
    Result<Attached> attach(const std::optional<model::WalPosition>& saved) override {
        auto attached = inner_.attach(saved);
        if (attached) attached->continued = saved.has_value();
        return attached;
    }
    bool attached() const override { return inner_.attached(); }
    void detach() override { inner_.detach(); }
    Result<void> checkpoint_and_close(const model::WalPosition& captured) override {
        return inner_.checkpoint_and_close(captured);
    }
    Result<model::WalBatch> capture(const model::WalPosition& from, std::uint64_t limit) override {
        return inner_.capture(from, limit);
    }
    Result<void> lock_writers(model::Duration budget) override {
        return inner_.lock_writers(budget);
    }
    bool writers_locked() const override { return inner_.writers_locked(); }
    void unlock_writers() override { inner_.unlock_writers(); }
    Result<ports::Checkpointed> checkpoint(const model::WalPosition& captured) override {
        return inner_.checkpoint(captured);
    }
    Result<void> repin(const model::WalPosition& captured) override {
        return inner_.repin(captured);
    }
    Result<Image> begin_image() override { return inner_.begin_image(); }
    Result<std::vector<model::Page>> read_image(std::uint32_t first, std::uint32_t count) override {
        return inner_.read_image(first, count);
    }
    void end_image() override { inner_.end_image(); }
    void on_change(std::function<void()> wake) override { inner_.on_change(std::move(wake)); }

private:
    ports::Database& inner_;
};

class DeadTooSoon final : public ports::Backend {
public:
    explicit DeadTooSoon(ports::Backend& inner) : inner_{inner} {}
    Result<void> start() override {
        asked_ = false;
        return inner_.start();
    }
    Result<void> stop() override {
        asked_ = true;
        return inner_.stop();
    }
    Result<void> kill() override { return inner_.kill(); }
    Result<ports::BackendObserved> observe() override {
        auto observed = inner_.observe();
        if (observed && asked_) observed->state = ports::BackendObserved::State::absent;
        return observed;
    }

private:
    ports::Backend& inner_;
    bool asked_ = false;
};

}  // namespace

std::unique_ptr<adapters::kv::KvStore> mutate(Mutation mutation, adapters::kv::KvStore& inner) {
    if (mutation == Mutation::no_cas) return std::make_unique<Overwriting>(inner);
    return nullptr;
}

std::unique_ptr<ports::LogStore> mutate(Mutation mutation, ports::LogStore& inner) {
    if (mutation == Mutation::no_expect) return std::make_unique<WithoutExpectation>(inner);
    if (mutation == Mutation::no_read) return std::make_unique<BehindByOne>(inner);
    if (mutation == Mutation::no_cas) return std::make_unique<OwnMarkersOnly>(inner);
    return nullptr;
}

std::unique_ptr<ports::Database> mutate(Mutation mutation, ports::Database& inner) {
    if (mutation == Mutation::no_tail) return std::make_unique<EveryFrame>(inner);
    return nullptr;
}

std::unique_ptr<ports::Backend> mutate(Mutation mutation, ports::Backend& inner) {
    if (mutation == Mutation::dead_too_soon) return std::make_unique<DeadTooSoon>(inner);
    return nullptr;
}

}  // namespace sim
