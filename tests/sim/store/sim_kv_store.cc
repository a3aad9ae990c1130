#include "tests/sim/store/sim_kv_store.h"

namespace sim {

using adapters::kv::KvEntry;
using model::Errc;
using model::error;
using model::Result;
using model::Revision;

Result<void> SimKvStore::ensure() {
    if (auto why = client_.down(); !why.empty()) return error(Errc::unavailable, std::move(why));
    client_.server().ensure(stream_, 1);
    return {};
}

Result<SimStream*> SimKvStore::readable() {
    if (auto why = client_.down(); !why.empty()) return error(Errc::unavailable, std::move(why));
    auto* stream = client_.server().find(stream_);
    if (!stream) return error(Errc::unavailable, "stream not found");
    return stream;
}

Result<std::optional<KvEntry>> SimKvStore::get(std::string_view key) {
    const auto stream = readable();
    if (!stream) return stream.error();
    const auto sequence = (*stream)->last_of(key);
    if (sequence == 0 || (*stream)->at(sequence).delete_marker) return std::optional<KvEntry>{};
    return std::optional{
        KvEntry{std::string{key}, (*stream)->at(sequence).payload, Revision{sequence}}};
}

Result<std::vector<KvEntry>> SimKvStore::list() {
    const auto stream = readable();
    if (!stream) return stream.error();
    std::vector<KvEntry> entries;
    for (const auto& key : (*stream)->subjects()) {
        auto entry = get(key);
        if (!entry) return std::move(entry).error();
        if (*entry) entries.push_back(std::move(**entry));
    }
    return entries;
}

Result<Revision> SimKvStore::update(std::string_view key,
                                    model::ByteView value,
                                    Revision expected) {
    return compare_and_set(
        {.subject = std::string{key}, .payload = {value.begin(), value.end()}}, expected, true);
}

Result<void> SimKvStore::erase(std::string_view key, Revision expected) {
    if (expected == Revision{}) return error(Errc::invalid, "no revision is expected");
    const auto revision =
        compare_and_set({.subject = std::string{key}, .delete_marker = true}, expected, false);
    if (!revision) return revision.error();
    return {};
}

Result<Revision> SimKvStore::put(std::string_view key, model::ByteView value) {
    const auto answer = client_.publish(
        stream_,
        {.message = {.subject = std::string{key}, .payload = {value.begin(), value.end()}}});
    if (!answer) return answer.error();
    return Revision{answer->sequence};
}

Result<Revision> SimKvStore::last_revision() {
    const auto stream = readable();
    if (!stream) return stream.error();
    return Revision{(*stream)->last()};
}

Result<Revision> SimKvStore::compare_and_set(SimMessage message,
                                             Revision expected,
                                             bool may_create) {
    // Reading the stream's last sequence and writing is one step here, so the stream's expectation
    // only matters for a request that arrives late.
    const auto stream = readable();
    if (!stream) return stream.error();
    auto of_subject = expected.value;
    const auto present = (*stream)->last_of(message.subject);
    const bool absent = present == 0 || (*stream)->at(present).delete_marker;
    if (may_create && absent && expected == Revision{}) of_subject = present;
    const bool lost = absent && !may_create;
    const auto answer =
        client_.publish(stream_,
                        {.message = std::move(message),
                         .expected_last = (*stream)->last(),
                         .expected_last_of_subject = lost ? UINT64_MAX : of_subject});
    if (!answer) return answer.error();
    if (answer->sequence == 0) return error(Errc::conflict, answer->refusal);
    return Revision{answer->sequence};
}

}  // namespace sim
