#include "adapters/nats/jetstream.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "adapters/nats/base64.h"
#include "model/wall_time.h"

namespace adapters::nats {
namespace {

using model::Errc;
using model::error;
using model::Result;
using nlohmann::json;

// Error codes of JetStream that are handled in a special way.
constexpr int no_message = 10037;
constexpr int sequence_not_found = 10043;
constexpr int message_delete_failed = 10057;
constexpr int name_in_use = 10058;
constexpr int stream_not_found = 10059;
constexpr int wrong_last_sequence = 10071;
constexpr int not_clustered = 10074;
constexpr int no_suitable_peers = 10005;
constexpr int wrong_last_sequence_constant = 10164;
constexpr int message_too_large = 10054;

// nats-server 2.15 allows a stream 1000 consumers where its configuration names no number.
constexpr int max_consumers = 100'000;

// When the servers of a cluster start, they need a while to find each other; a bucket made before
// that would have one replica for ever.
constexpr auto patience = std::chrono::seconds{15};

std::string as_text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// An answer of the API as an object. An `error` in it is left for the caller.
Result<json> parse_answer(const Incoming& answer) {
    auto body = json::parse(model::to_text(answer.payload), nullptr, false);
    if (!body.is_object()) return error(Errc::unavailable, "JetStream answered without JSON");
    return body;
}

template <typename T>
T field(const json& object, const char* key, T otherwise) {
    if (!object.is_object()) return otherwise;
    const auto found = object.find(key);
    if (found == object.end()) return otherwise;
    if constexpr (std::is_same_v<T, bool>) {
        return found->is_boolean() ? found->template get<bool>() : otherwise;
    } else if constexpr (std::is_same_v<T, std::string>) {
        return found->is_string() ? found->template get<std::string>() : otherwise;
    } else {
        // -1 means "no limit" in some fields; it must not become a huge unsigned number.
        if (!found->is_number_integer() || (!found->is_number_unsigned() && std::is_unsigned_v<T>))
            return otherwise;
        return found->template get<T>();
    }
}

json nested(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_object() ? *found : json::object();
}

int error_code(const json& body) {
    const auto failure = nested(body, "error");
    if (failure.empty()) return 0;
    const int code = field(failure, "err_code", 0);
    return code != 0 ? code : -1;
}

std::string error_text(const json& body) {
    const auto failure = nested(body, "error");
    return field(failure, "description", std::string{"JetStream refused"}) + " (" +
           std::to_string(error_code(body)) + ')';
}

model::Error api_error(const json& body) {
    return error(error_code(body) == stream_not_found ? Errc::not_found : Errc::unavailable,
                 error_text(body));
}

/// "NATS/1.0\r\nKey: value\r\n\r\n"
Headers parse_headers(std::string_view text) {
    Headers headers;
    auto next_line = [&text] {
        const auto end = std::min(text.find("\r\n"), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 2, text.size()));
        return line;
    };
    next_line();
    while (!text.empty()) {
        const auto line = next_line();
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        auto value = line.substr(colon + 1);
        while (value.starts_with(' '))
            value.remove_prefix(1);
        headers.emplace_back(line.substr(0, colon), value);
    }
    return headers;
}

/// Parses a server's time, for display only: an invalid one becomes "no time".
model::WallTime time_of(std::string_view text) {
    const auto parsed = model::parse_rfc3339(text);
    return parsed ? *parsed : model::WallTime{};
}

/// The answer to STREAM.MSG.GET. unavailable: it is incomplete.
Result<std::optional<StoredMessage>> parse_message(const Result<Incoming>& answer) {
    if (!answer) return error(Errc::unavailable, answer.error().message);
    const auto body = parse_answer(*answer);
    if (!body) return body.error();
    if (error_code(*body) == no_message) return std::optional<StoredMessage>{};
    if (error_code(*body) != 0) return api_error(*body);
    const auto message = nested(*body, "message");
    StoredMessage stored{.subject = field(message, "subject", std::string{}),
                         .sequence = field(message, "seq", std::uint64_t{0}),
                         .stored_at = time_of(field(message, "time", std::string{}))};
    const auto headers = from_base64(field(message, "hdrs", std::string{}));
    auto payload = from_base64(field(message, "data", std::string{}));
    if (stored.sequence == 0 || !headers || !payload)
        return error(Errc::unavailable, "JetStream answered with an incomplete message");
    stored.headers = parse_headers(model::to_text(*headers));
    stored.payload = std::move(*payload);
    return std::optional{std::move(stored)};
}

std::uint64_t to_number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// The number at the end of "wrong last sequence: N".
std::uint64_t trailing_number(std::string_view text) {
    const auto digit = text.find_last_not_of("0123456789");
    return to_number(text.substr(digit == std::string_view::npos ? 0 : digit + 1));
}

}  // namespace

std::string_view StoredMessage::header(std::string_view key) const {
    for (const auto& [name, value] : headers) {
        if (name == key) return value;
    }
    return {};
}

JetStream::JetStream(std::shared_ptr<Connection> connection, std::string stream)
    : connection_{std::move(connection)}, stream_{std::move(stream)} {}

Result<std::string> JetStream::call(std::string_view verb,
                                    const std::string& body,
                                    Deadline until,
                                    std::string_view rest) {
    std::string subject = "$JS.API." + std::string{verb} + '.' + stream_;
    if (!rest.empty()) subject += '.' + std::string{rest};
    auto answer = connection_->request(
        {.subject = std::move(subject), .payload = model::as_bytes(body)}, until);
    if (!answer) return std::move(answer).error();
    return model::to_text(answer->payload);
}

Result<StreamInfo> JetStream::info(Deadline until, std::string_view subjects) {
    json body = json::object();
    if (!subjects.empty()) body["subjects_filter"] = subjects;
    const auto text = call("STREAM.INFO", as_text(body), until);
    if (!text) return error(Errc::unavailable, text.error().message);
    auto info = parse_stream_info(*text);
    // Larger answers are split into pages; ours have few subjects and always fit the first.
    if (info && info->all_subjects > info->subjects.size() && !subjects.empty())
        return error(Errc::unavailable, "too many subjects for one answer");
    return info;
}

Result<StreamInfo> JetStream::stable_info(Deadline until) {
    auto first = info(until);
    if (!first || first->last != 0) return first;
    std::this_thread::sleep_for(creation_time_delay);
    auto second = info(until + creation_time_delay);
    if (second && second->created != first->created)
        return error(Errc::unavailable, "the stream is just being made");
    return second;
}

Result<Ensured> JetStream::ensure(const StreamShape& shape, bool remove_age) {
    const auto present = info(connection_->deadline());
    if (!present && present.error().code == Errc::not_found) return create(shape);
    if (!present) return present.error();
    Ensured found{.replicas = present->replicas};
    if (!remove_age || present->max_age == 0) return found;
    // Sends the stream's own configuration back, so that fields of newer servers keep their values.
    auto config = json::parse(present->config, nullptr, false);
    config["max_age"] = 0;
    const auto text = call("STREAM.UPDATE", as_text(config), connection_->deadline());
    if (!text) return error(Errc::unavailable, text.error().message);
    const auto answer = json::parse(*text, nullptr, false);
    if (!answer.is_object() || error_code(answer) != 0)
        return error(Errc::unavailable, "remove the age limit: " + error_text(answer));
    found.age_removed = true;
    return found;
}

Result<Ensured> JetStream::create(const StreamShape& shape) {
    json config = {{"name", stream_},
                   {"subjects", shape.subjects},
                   {"retention", "limits"},
                   {"max_consumers", max_consumers},
                   {"max_msgs", -1},
                   {"max_bytes", -1},
                   {"max_age", 0},
                   {"max_msgs_per_subject", shape.messages_per_subject},
                   {"max_msg_size", -1},
                   {"discard", "new"},
                   {"storage", "file"},
                   {"num_replicas", shape.replicas > 0 ? shape.replicas : 3},
                   {"allow_rollup_hdrs", true},
                   {"allow_direct", true},
                   {"deny_delete", shape.deny_delete},
                   {"deny_purge", false}};
    for (;;) {
        const auto text = call("STREAM.CREATE", as_text(config), connection_->deadline());
        if (!text) return error(Errc::unavailable, text.error().message);
        const auto answer = json::parse(*text, nullptr, false);
        if (!answer.is_object()) return error(Errc::unavailable, "JetStream answered without JSON");
        const int code = error_code(answer);
        const auto replicas = config["num_replicas"].get<std::uint64_t>();
        if (code == 0) return Ensured{.created = true, .replicas = replicas};
        // Another client created it at the same moment, with a different configuration.
        if (code == name_in_use) {
            const auto present = info(connection_->deadline());
            if (!present) return present.error();
            return Ensured{.replicas = present->replicas};
        }
        if (shape.replicas == 0 && replicas > 1 && accepts_one_replica(code)) {
            config["num_replicas"] = 1;
            continue;
        }
        const auto kind = nested(answer, "error");
        const bool ours =
            (field(kind, "code", 0) == 400 && code != no_suitable_peers) || code == not_clustered;
        return error(ours ? Errc::invalid : Errc::unavailable, error_text(answer));
    }
}

bool JetStream::accepts_one_replica(int code) {
    if (code == not_clustered) return true;
    if (code != no_suitable_peers) return false;
    const auto now = std::chrono::steady_clock::now();
    const sync::Lock lock{mutex_};
    if (!too_few_since_) too_few_since_ = now;
    return now - *too_few_since_ >= patience;
}

/// nats-server 2.9 lists a stream before its store exists, and a STREAM.MSG.GET at that moment
/// crashes the server (nil pointer in jsMsgGetRequest); three nodes that start together on an empty
/// server trigger this. STREAM.INFO is safe, and reports such a stream as empty.
Result<bool> JetStream::holds_messages(Deadline until) {
    const auto generation = connection_->connection_generation();
    if (generation != 0 && filled_in_generation_ == generation) return true;
    const auto state = info(until);
    if (!state) return state.error();
    if (state->last == 0) return false;
    filled_in_generation_ = generation;
    return true;
}

Result<std::optional<StoredMessage>> JetStream::last_of(std::string_view subject, Deadline until) {
    auto all = last_of_each({std::string{subject}}, until);
    if (!all) return std::move(all).error();
    return std::move(all->front());
}

Result<std::vector<std::optional<StoredMessage>>> JetStream::last_of_each(
    const std::vector<std::string>& subjects, Deadline until) {
    constexpr std::size_t window = 64;
    std::vector<std::optional<StoredMessage>> messages;
    const auto holds = holds_messages(until);
    if (!holds) return holds.error();
    if (!*holds) {
        messages.resize(subjects.size());
        return messages;
    }
    messages.reserve(subjects.size());
    for (std::size_t begin = 0; begin < subjects.size(); begin += window) {
        const auto end = std::min(begin + window, subjects.size());
        std::vector<std::string> bodies;
        bodies.reserve(end - begin);
        for (auto i = begin; i < end; ++i)
            bodies.push_back(as_text(json{{"last_by_subj", subjects[i]}}));
        std::vector<Outgoing> requests;
        requests.reserve(bodies.size());
        for (const auto& body : bodies) {
            requests.push_back(
                {.subject = "$JS.API.STREAM.MSG.GET." + stream_, .payload = model::as_bytes(body)});
        }
        for (const auto& answer : connection_->exchange(requests, until)) {
            auto message = parse_message(answer);
            if (!message) return std::move(message).error();
            messages.push_back(std::move(*message));
        }
    }
    return messages;
}

Result<std::optional<StoredMessage>> JetStream::next_of(std::string_view subject,
                                                        std::uint64_t from,
                                                        Deadline until) {
    const auto holds = holds_messages(until);
    if (!holds) return holds.error();
    if (!*holds) return std::optional<StoredMessage>{};
    const auto body = as_text(json{{"seq", from}, {"next_by_subj", subject}});
    return parse_message(connection_->request(
        {.subject = "$JS.API.STREAM.MSG.GET." + stream_, .payload = model::as_bytes(body)}, until));
}

Result<std::optional<StoredMessage>> JetStream::next_of_any_replica(std::string_view subject,
                                                                    std::uint64_t from,
                                                                    Deadline until) {
    const auto body = as_text(json{{"seq", from}, {"next_by_subj", subject}});
    auto answer = connection_->request(
        {.subject = "$JS.API.DIRECT.GET." + stream_, .payload = model::as_bytes(body)}, until);
    if (!answer) return error(Errc::unavailable, std::move(answer).error().message);
    StoredMessage stored{.subject = std::string{answer->header("Nats-Subject")},
                         .sequence = to_number(answer->header("Nats-Sequence")),
                         .stored_at = time_of(answer->header("Nats-Time-Stamp"))};
    // Not a message but a status: 404, 408.
    if (stored.sequence == 0) return std::optional<StoredMessage>{};
    stored.headers = std::move(answer->headers);
    stored.payload = std::move(answer->payload);
    return std::optional{std::move(stored)};
}

Result<void> JetStream::erase(std::uint64_t sequence, Deadline until) {
    const auto text =
        call("STREAM.MSG.DELETE", as_text(json{{"seq", sequence}, {"no_erase", true}}), until);
    if (!text) return text.error();
    const auto answer = json::parse(*text, nullptr, false);
    if (!answer.is_object()) return error(Errc::unknown_outcome, "answered without JSON");
    const int code = error_code(answer);
    if (code == 0 || code == sequence_not_found || code == no_message) return {};
    if (code != message_delete_failed) return api_error(answer);
    // The server reports a sequence beyond the last one like any failure of its store.
    const auto state = info(until);
    if (!state) return state.error();
    if (sequence > state->last || sequence < state->first) return {};
    return error(Errc::unavailable, error_text(answer));
}

Result<std::string> JetStream::create_push_consumer(std::string_view name,
                                                    std::string_view filter,
                                                    std::string_view inbox,
                                                    model::Duration heartbeat,
                                                    Deliver deliver) {
    const bool values = deliver == Deliver::last_values;
    const json body = {{"stream_name", stream_},
                       {"config",
                        {{"deliver_subject", inbox},
                         {"deliver_policy", values ? "last_per_subject" : "new"},
                         {"ack_policy", "none"},
                         {"max_deliver", 1},
                         {"replay_policy", "instant"},
                         {"filter_subject", filter},
                         {"headers_only", !values},
                         {"mem_storage", true},
                         {"num_replicas", 1},
                         {"idle_heartbeat", heartbeat.count()},
                         {"inactive_threshold", 10 * heartbeat.count()},
                         {"name", name}}}};
    auto text = call("CONSUMER.CREATE", as_text(body), connection_->deadline(), name);
    if (!text) return error(Errc::unavailable, text.error().message);
    const auto answer = json::parse(*text, nullptr, false);
    if (!answer.is_object() || error_code(answer) != 0)
        return error(Errc::unavailable, error_text(answer));
    return text;
}

Result<void> JetStream::create_hint_consumer(std::string_view name,
                                             std::string_view filter,
                                             std::string_view inbox,
                                             model::Duration heartbeat) {
    const auto created =
        create_push_consumer(name, filter, inbox, heartbeat, Deliver::headers_of_new);
    if (!created) return created.error();
    return {};
}

Result<std::uint64_t> JetStream::create_value_consumer(std::string_view name,
                                                       std::string_view filter,
                                                       std::string_view inbox,
                                                       model::Duration heartbeat) {
    const auto created = create_push_consumer(name, filter, inbox, heartbeat, Deliver::last_values);
    if (!created) return created.error();
    const auto answer = json::parse(*created, nullptr, false);
    // What was sent before this answer was made is not pending any more.
    return field(answer, "num_pending", std::uint64_t{0}) +
           field(nested(answer, "delivered"), "consumer_seq", std::uint64_t{0});
}

Result<StreamInfo> parse_stream_info(std::string_view text) {
    const auto answer = json::parse(text, nullptr, false);
    if (!answer.is_object()) return error(Errc::unavailable, "JetStream answered without JSON");
    if (error_code(answer) != 0) return api_error(answer);
    const auto state = nested(answer, "state");
    const auto config = nested(answer, "config");
    StreamInfo info{.created = field(answer, "created", std::string{}),
                    .first = field(state, "first_seq", std::uint64_t{0}),
                    .last = field(state, "last_seq", std::uint64_t{0}),
                    .replicas = field(config, "num_replicas", std::uint64_t{1}),
                    .allow_direct = field(config, "allow_direct", false),
                    .max_age = field(config, "max_age", std::uint64_t{0}),
                    .all_subjects = field(answer, "total", std::uint64_t{0}),
                    .config = as_text(config)};
    if (info.created.empty() || !state.contains("last_seq"))
        return error(Errc::unavailable, "JetStream answered with an incomplete state");
    const auto counts = nested(state, "subjects");
    for (const auto& [subject, count] : counts.items()) {
        info.subjects[subject] = count.is_number_unsigned() ? count.get<std::uint64_t>() : 0;
    }
    return info;
}

Result<PublishAnswer> parse_publish_answer(const Result<Incoming>& answer) {
    if (!answer) return answer.error();
    const auto body = json::parse(model::to_text(answer->payload), nullptr, false);
    if (!body.is_object()) return error(Errc::unknown_outcome, "publish answered without JSON");
    PublishAnswer parsed;
    switch (error_code(body)) {
        case 0:
            parsed.ack = Ack{field(body, "seq", std::uint64_t{0})};
            if (parsed.ack->sequence == 0)
                return error(Errc::unknown_outcome, "publish answered without a sequence");
            return parsed;
        case wrong_last_sequence:
        case wrong_last_sequence_constant:
            parsed.text = error_text(body);
            parsed.refusal = Refusal{
                trailing_number(field(nested(body, "error"), "description", std::string{}))};
            return parsed;
        case message_too_large:
            return error(Errc::invalid, error_text(body));
        // A leader whose own disk failed answers this too, although its followers stored the
        // message.
        default:
            return error(Errc::unknown_outcome, "the store refuses writes: " + error_text(body));
    }
}

}  // namespace adapters::nats
