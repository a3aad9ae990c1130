#include "adapters/nats/kv_store.h"

#include <algorithm>
#include <utility>

#include "adapters/nats/names.h"

namespace adapters::nats {
namespace {

using adapters::kv::KvEntry;
using model::Errc;
using model::error;
using model::Result;
using model::Revision;

// Each concurrent write of another key costs one attempt; a bucket has a handful of writers.
constexpr int most_attempts = 32;

Result<void> check_key(std::string_view key) {
    if (valid_key(key)) return {};
    return error(Errc::invalid, "not a key: \"" + std::string{key} + '"');
}

/// Deletes and purges by clients, and expiry, for which servers from 2.11 on write their own
/// marker.
bool is_delete_marker(const StoredMessage& message) {
    const auto operation = message.header("KV-Operation");
    return operation == "DEL" || operation == "PURGE" ||
           !message.header("Nats-Marker-Reason").empty();
}

}  // namespace

KvStore::KvStore(std::shared_ptr<Connection> connection, KvOptions options)
    : options_{std::move(options)}, jetstream_{std::move(connection), "KV_" + options_.bucket} {}

std::string KvStore::subject(std::string_view key) const {
    return "$KV." + options_.bucket + '.' + std::string{key};
}

bool KvStore::reads_as_empty(const model::Error& failure) const {
    return options_.created_by_write && failure.code == Errc::not_found;
}

Result<Ensured> KvStore::ensure() {
    const auto context = "ensure bucket " + options_.bucket;
    if (!valid_bucket(options_.bucket))
        return error(Errc::invalid, "not a name of a bucket").during(context);
    auto ensured = jetstream_.ensure({.subjects = {subject(">")},
                                      .replicas = options_.replicas,
                                      .messages_per_subject = 1,
                                      .deny_delete = true},
                                     options_.remove_age);
    if (!ensured) return std::move(ensured).error().during(context);
    return ensured;
}

Result<std::optional<KvEntry>> KvStore::get(std::string_view key) {
    if (auto valid = check_key(key); !valid) return std::move(valid).error();
    auto message = jetstream_.last_of(subject(key), jetstream_.connection().deadline());
    if (!message && reads_as_empty(message.error())) return std::optional<KvEntry>{};
    if (!message)
        return error(Errc::unavailable, std::move(message).error().message).during("kv get");
    if (!*message || is_delete_marker(**message)) return std::optional<KvEntry>{};
    return std::optional{
        KvEntry{std::string{key}, std::move((*message)->payload), Revision{(*message)->sequence}}};
}

Result<std::vector<KvEntry>> KvStore::list() {
    const auto unavailable = [](model::Error failure) {
        return error(Errc::unavailable, std::move(failure.message)).during("kv list");
    };
    const auto until = jetstream_.connection().deadline();
    const auto prefix = subject("");
    auto info = jetstream_.info(until, prefix + '>');
    if (!info && reads_as_empty(info.error())) return std::vector<KvEntry>{};
    if (!info) return unavailable(std::move(info).error());
    std::vector<std::string> subjects;
    for (const auto& [name, count] : info->subjects)
        subjects.push_back(name);
    auto messages = jetstream_.last_of_each(subjects, until);
    if (!messages) return unavailable(std::move(messages).error());
    std::vector<KvEntry> entries;
    for (auto& message : *messages) {
        if (!message || is_delete_marker(*message)) continue;
        entries.push_back({message->subject.substr(prefix.size()),
                           std::move(message->payload),
                           Revision{message->sequence}});
    }
    std::sort(
        entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return entries;
}

Result<Revision> KvStore::update(std::string_view key, model::ByteView value, Revision expected) {
    if (auto valid = check_key(key); !valid) return std::move(valid).error();
    if (options_.created_by_write && expected == Revision{}) {
        if (auto made = ensure(); !made) return std::move(made).error().during("kv update");
    }
    auto revision = compare_and_set({.subject = subject(key), .payload = value}, expected, true);
    if (!revision) return std::move(revision).error().during("kv update");
    return revision;
}

Result<void> KvStore::erase(std::string_view key, Revision expected) {
    if (auto valid = check_key(key); !valid) return std::move(valid).error();
    if (expected == Revision{}) return error(Errc::invalid, "kv erase: no revision is expected");
    auto revision = compare_and_set(
        {.subject = subject(key), .headers = {{"KV-Operation", "DEL"}}}, expected, false);
    if (!revision) return std::move(revision).error().during("kv erase");
    return {};
}

Result<Revision> KvStore::put(std::string_view key, model::ByteView value) {
    if (auto valid = check_key(key); !valid) return std::move(valid).error();
    if (options_.created_by_write) {
        if (auto made = ensure(); !made) return std::move(made).error().during("kv put");
    }
    auto answer = parse_publish_answer(
        jetstream_.connection().request({.subject = subject(key), .payload = value}));
    if (!answer) return std::move(answer).error().during("kv put");
    if (answer->refusal) return error(Errc::unavailable, answer->text).during("kv put");
    return Revision{answer->ack->sequence};
}

Result<Revision> KvStore::compare_and_set(Outgoing message, Revision expected, bool may_create) {
    const auto until = jetstream_.connection().deadline();
    const auto fixed_headers = message.headers;
    auto subject_sequence = expected.value;
    // In a bucket of one key the revision equals the stream's last sequence: a refusal is always a
    // true conflict.
    auto stream_sequence = expected.value;
    std::string refused;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        message.headers = fixed_headers;
        if (!options_.key_alone) {
            message.headers.emplace_back("Nats-Expected-Last-Sequence",
                                         std::to_string(stream_sequence));
        }
        message.headers.emplace_back("Nats-Expected-Last-Subject-Sequence",
                                     std::to_string(subject_sequence));
        auto answer = parse_publish_answer(jetstream_.connection().request(message, until));
        if (!answer) return std::move(answer).error();
        if (answer->ack) return Revision{answer->ack->sequence};
        refused = answer->text;

        // Both expectations are refused with the same code (L11); only the key itself shows which
        // one failed. The stream's last sequence is read first: a write between the two reads then
        // makes the next attempt fail, never succeed wrongly.
        const auto info = jetstream_.info(until);
        if (!info) return error(Errc::unavailable, refused + ", then " + info.error().message);
        const auto last = jetstream_.last_of(message.subject, until);
        if (!last) return error(Errc::unavailable, refused + ", then " + last.error().message);
        const bool absent = !*last || is_delete_marker(**last);
        const auto present = *last ? (*last)->sequence : 0;
        if (may_create && expected == Revision{}) {
            if (!absent) return error(Errc::conflict, refused);
            subject_sequence = present;
        } else if (absent || present != expected.value) {
            return error(Errc::conflict, refused);
        }
        stream_sequence = info->last;
    }
    return error(Errc::unavailable,
                 "refused " + std::to_string(most_attempts) +
                     " times because of writes to other keys: " + refused);
}

Result<Revision> KvStore::last_revision() {
    auto info = jetstream_.info(jetstream_.connection().deadline());
    if (!info && reads_as_empty(info.error())) return Revision{};
    if (!info) return error(Errc::unavailable, std::move(info).error().message).during("kv info");
    return Revision{info->last};
}

std::uint64_t KvStore::connection_generation() const {
    return jetstream_.connection().connection_generation();
}

void KvStore::on_change(std::function<void()> wake) {
    watch_ = std::make_unique<Watch>(
        jetstream_.shared_connection(), jetstream_.stream(), subject(">"), std::move(wake));
}

}  // namespace adapters::nats
