#include "adapters/nats/log_store.h"

#include <algorithm>
#include <utility>

#include "adapters/nats/digest.h"
#include "adapters/nats/names.h"
#include "adapters/nats/object_meta.h"
#include "adapters/nats/random_id.h"

namespace adapters::nats {
namespace {

using model::Errc;
using model::error;
using model::Result;
using model::Sequence;
using model::StoredMeta;
using reconcilers::ports::Chunk;
using reconcilers::ports::StreamState;

constexpr std::size_t most_pieces = 64;
constexpr std::size_t largest_piece = std::size_t{128} * 1024;

Headers expecting(Sequence last) {
    return {{"Nats-Expected-Last-Sequence", std::to_string(last.value)}};
}

/// The most important of several errors: a refusal first, because the caller must know that it is
/// fenced; then an unknown outcome.
model::Error worst(const std::vector<model::Error>& errors, bool some_stored) {
    for (const auto code : {Errc::conflict, Errc::unknown_outcome}) {
        for (const auto& failure : errors) {
            if (failure.code == code) return failure;
        }
    }
    if (some_stored) return error(Errc::unknown_outcome, errors.front().message);
    return errors.front();
}

Result<Sequence> check_stored(const Result<Incoming>& answer, std::optional<Sequence> predicted) {
    const auto parsed = parse_publish_answer(answer);
    if (!parsed) return parsed.error();
    if (parsed->refusal) return error(Errc::conflict, parsed->text);
    const Sequence stored{parsed->ack->sequence};
    if (predicted && stored != *predicted) {
        return error(Errc::unknown_outcome,
                     "stored at " + std::to_string(stored.value) + " instead of " +
                         std::to_string(predicted->value));
    }
    return stored;
}

Result<std::optional<StoredMeta>> to_meta(Result<std::optional<StoredMessage>> message) {
    if (!message) return error(Errc::unavailable, std::move(message).error().message);
    if (!*message) return std::optional<StoredMeta>{};
    StoredMeta stored{.sequence = {(*message)->sequence}, .stored_at = (*message)->stored_at};
    if (auto meta = parse_meta((*message)->payload)) stored.meta = std::move(*meta);
    return std::optional{std::move(stored)};
}

}  // namespace

LogStore::LogStore(std::shared_ptr<Connection> connection, LogOptions options)
    : options_{std::move(options)}, jetstream_{std::move(connection), "OBJ_" + options_.bucket} {}

std::string LogStore::chunk_subject(std::string_view nuid) const {
    return "$O." + options_.bucket + ".C." + std::string{nuid};
}

std::string LogStore::meta_subject(std::string_view token) const {
    return "$O." + options_.bucket + ".M." + std::string{token};
}

Result<Ensured> LogStore::ensure() {
    const auto context = "ensure bucket " + options_.bucket;
    if (!valid_bucket(options_.bucket))
        return error(Errc::invalid, "not a name of a bucket").during(context);
    auto ensured = jetstream_.ensure(
        {.subjects = {chunk_subject(">"), meta_subject(">")}, .replicas = options_.replicas},
        /*remove_age=*/false);
    if (!ensured) return std::move(ensured).error().during(context);
    return ensured;
}

Result<bool> LogStore::exists() {
    const auto info = jetstream_.info(jetstream_.connection().deadline());
    if (info) return true;
    if (info.error().code == Errc::not_found) return false;
    return error(Errc::unavailable, info.error().message).during("log state");
}

Result<StreamState> LogStore::state() {
    const auto info = jetstream_.stable_info(jetstream_.connection().deadline());
    if (!info) return error(Errc::unavailable, info.error().message).during("log state");
    return StreamState{.created = info->created, .first = {info->first}, .last = {info->last}};
}

Result<Sequence> LogStore::publish_chunks(std::string_view nuid,
                                          const std::vector<model::ByteView>& pieces,
                                          Sequence last) {
    const bool fits = pieces.size() <= most_pieces &&
                      std::all_of(pieces.begin(), pieces.end(), [](const auto& piece) {
                          return piece.size() <= largest_piece;
                      });
    if (!fits) return error(Errc::invalid, "publish chunks: too many or too large");
    if (!valid_nuid(nuid)) return error(Errc::invalid, "publish chunks: not an object id");
    std::vector<Outgoing> messages;
    messages.reserve(pieces.size());
    auto predicted = last;
    for (const auto& piece : pieces) {
        messages.push_back(
            {.subject = chunk_subject(nuid), .headers = expecting(predicted), .payload = piece});
        predicted = predicted.next();
    }
    const auto answers =
        jetstream_.connection().exchange(messages, jetstream_.connection().deadline());
    std::vector<model::Error> errors;
    predicted = last;
    for (const auto& answer : answers) {
        predicted = predicted.next();
        auto stored = check_stored(answer, predicted);
        if (!stored) errors.push_back(std::move(stored).error());
    }
    if (errors.empty()) return predicted;
    return worst(errors, errors.size() < answers.size()).during("publish chunks");
}

Result<Sequence> LogStore::publish_meta(const model::ObjectMeta& meta,
                                        std::optional<Sequence> last) {
    const auto body = to_json(meta, options_.bucket);
    if (!body) return model::Error{body.error()}.during("publish meta");
    const auto predicted = last ? std::optional{last->next()} : std::nullopt;
    auto stored = check_stored(
        jetstream_.connection().request({.subject = meta_subject(meta_token(meta.name)),
                                         .headers = last ? expecting(*last) : Headers{},
                                         .payload = model::as_bytes(*body)}),
        predicted);
    if (!stored) return std::move(stored).error().during("publish meta");
    return stored;
}

Result<std::optional<StoredMeta>> LogStore::next_meta(Sequence from) {
    auto meta = to_meta(jetstream_.next_of(meta_subject(">"),
                                           std::max<std::uint64_t>(1, from.value),
                                           jetstream_.connection().deadline()));
    if (!meta) return std::move(meta).error().during("next meta");
    return meta;
}

// A bucket made by another tool may not allow direct reads, and then does not answer them: asked
// once per connect.
bool LogStore::reads_from_replicas(Deadline until) {
    const auto generation = jetstream_.connection().connection_generation();
    if (asked_in_generation_ == generation) return allows_direct_;
    const auto info = jetstream_.info(until);
    if (!info) return false;
    allows_direct_ = info->allow_direct;
    asked_in_generation_ = generation;
    return info->allow_direct;
}

Result<std::optional<Chunk>> LogStore::next_chunk(std::string_view nuid, Sequence from) {
    // The object id may come from another tool and becomes part of a subject: a wildcard in it
    // would match other objects.
    if (!valid_nuid(nuid)) return error(Errc::invalid, "next chunk: not an object id");
    const auto first = std::max<std::uint64_t>(1, from.value);
    const auto until = jetstream_.connection().deadline();
    Result<std::optional<StoredMessage>> message{std::nullopt};
    if (reads_from_replicas(until)) {
        message = jetstream_.next_of_any_replica(chunk_subject(nuid), first, until);
        // Direct reads may be forbidden: not used again on this connect.
        if (!message) allows_direct_ = false;
    }
    if (!message || !*message) message = jetstream_.next_of(chunk_subject(nuid), first, until);
    if (!message)
        return error(Errc::unavailable, std::move(message).error().message).during("next chunk");
    if (!*message) return std::optional<Chunk>{};
    return std::optional{
        Chunk{.sequence = {(*message)->sequence}, .data = std::move((*message)->payload)}};
}

Result<void> LogStore::erase(Sequence sequence) {
    auto erased = jetstream_.erase(sequence.value, jetstream_.connection().deadline());
    if (!erased) return std::move(erased).error().during("erase");
    return {};
}

std::unique_ptr<reconcilers::ports::Digest> LogStore::new_digest() {
    return std::make_unique<ObjectDigest>();
}

std::string LogStore::new_nuid() { return random_id(); }

std::uint64_t LogStore::connection_generation() const {
    return jetstream_.connection().connection_generation();
}

void LogStore::on_change(std::function<void()> wake) {
    watch_ = std::make_unique<Watch>(
        jetstream_.shared_connection(), jetstream_.stream(), meta_subject(">"), std::move(wake));
}

}  // namespace adapters::nats
