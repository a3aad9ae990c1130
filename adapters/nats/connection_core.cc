#include "adapters/nats/connection_core.h"

#include <algorithm>

namespace adapters::nats {
namespace {

using model::Errc;
using model::Result;
using namespace std::chrono_literals;

constexpr auto tick_interval = 500ms;
constexpr auto first_retry = 250ms;
constexpr auto slowest_retry = 1000ms;

}  // namespace

void Connection::Core::keep(const std::stop_token& stop) {
    auto retry = std::chrono::milliseconds{first_retry};
    while (!stop.stop_requested()) {
        auto current = link();
        if (current && current->status() == NATS_CONN_STATUS_CLOSED) {
            connected_ = false;
            set_reason(current->last_error());
            tell();
            const std::lock_guard lock{mutex_};
            link_.reset();  // not the last reference: `current` closes it after the lock
            continue;
        }
        if (!current && !connect()) {
            tell();
            const auto until = std::chrono::steady_clock::now() + retry;
            while (!stop.stop_requested() && std::chrono::steady_clock::now() < until)
                wait(stop, retry);
            retry = std::min(retry * 2, std::chrono::milliseconds{slowest_retry});
            continue;
        }
        retry = first_retry;
        current = link();
        connected_ = current->status() == NATS_CONN_STATUS_CONNECTED;
        if (error_seen_.exchange(false) || !connected_) set_reason(current->last_error());
        tell();
        run(Registration::Entry::Kind::tick);
        wait(stop, tick_interval);
    }
}

bool Connection::Core::connect() {
    auto made = Link::connect(options_,
                              {.disconnected = &Core::disconnected,
                               .reconnected = &Core::reconnected,
                               .closed = &Core::closed,
                               .failed = &Core::failed,
                               .closure = number_},
                              last_session_ + 1);
    if (!made) {
        set_reason(std::move(made).error().message);
        return false;
    }
    const auto current = *made;
    if (!current->subscribe(inbox_ + ".>", &Core::answered, number_)) return false;
    {
        const std::lock_guard subscribing{subscribing_};
        {
            const std::lock_guard lock{mutex_};
            link_ = current;
            reason_.clear();
        }
        for (const auto& entry : subscriptions_)
            entry->subscribe_on(current);
    }
    remember(current->session());
    connected_ = true;
    run(Registration::Entry::Kind::change);
    return true;
}

void Connection::Core::tell() {
    ConnectionEvent now{.connected = connected_, .server = told_.server, .reason = last_reason()};
    now.session = session();
    const auto current = link();
    if (now.connected && current) now.server = current->server();
    const bool missed = now.connected && told_.connected && now.session != told_.session;
    const bool changed = now.connected != told_.connected || now.session != told_.session ||
                         (!now.connected && now.reason != told_.reason);
    if (!changed) return;
    if (on_event_) {
        if (missed) {
            auto lost = told_;
            lost.connected = false;
            lost.reason = now.reason;
            on_event_(lost);
        }
        auto event = now;
        if (event.connected) event.reason.clear();
        on_event_(event);
    }
    told_ = std::move(now);
}

void Connection::Core::take_answer(natsMsg* message) {
    // <inbox>.<batch>.<index>
    std::string_view subject = natsMsg_GetSubject(message);
    subject.remove_prefix(std::min(subject.size(), inbox_.size() + 1));
    const auto dot = subject.find('.');
    if (dot == std::string_view::npos) return;
    std::uint64_t number = 0;
    std::uint64_t index = 0;
    for (const char c : subject.substr(0, dot))
        number = number * 10 + static_cast<std::uint64_t>(c - '0');
    for (const char c : subject.substr(dot + 1))
        index = index * 10 + static_cast<std::uint64_t>(c - '0');
    std::shared_ptr<Batch> batch;
    {
        const std::lock_guard lock{mutex_};
        const auto found = batches_.find(number);
        if (found == batches_.end()) return;
        batch = found->second;
    }
    if (natsMsg_IsNoResponders(message)) {
        batch->answer(index, model::error(Errc::unavailable, "nobody answers there"));
    } else {
        batch->answer(index, to_incoming(message));
    }
}

void Connection::Core::end_requests(std::string_view why) {
    std::vector<std::shared_ptr<Batch>> open;
    {
        const std::lock_guard lock{mutex_};
        for (const auto& [number, batch] : batches_)
            open.push_back(batch);
    }
    for (const auto& batch : open)
        batch->answer_rest(model::error(Errc::unknown_outcome, std::string{why}));
}

void Connection::Core::run(Registration::Entry::Kind kind) {
    std::vector<std::shared_ptr<Registration::Entry>> entries;
    {
        const std::lock_guard lock{mutex_};
        std::erase_if(registrations_, [](const auto& entry) { return entry->closed(); });
        entries = registrations_;
    }
    for (const auto& entry : entries) {
        if (entry->kind() == kind) entry->run();
    }
}

std::vector<Result<Incoming>> Connection::Core::exchange(std::span<const Outgoing> messages,
                                                         Deadline until) {
    const auto begin = std::chrono::steady_clock::now();
    const auto batch = std::make_shared<Batch>(messages.size());
    const auto current = link();
    if (begin >= until) {
        batch->answer_rest(model::error(Errc::unavailable, "no time left to send it"));
        return batch->take();
    }
    if (!current || !connected_) {
        const auto reason = last_reason();
        batch->answer_rest(model::error(
            Errc::unavailable, reason.empty() ? "not connected" : "not connected: " + reason));
        return batch->take();
    }
    const auto session_before = current->session();
    std::string reply = inbox_ + '.';
    std::uint64_t number = 0;
    {
        const std::lock_guard lock{mutex_};
        number = ++last_batch_;
        batches_[number] = batch;
    }
    reply += std::to_string(number) + '.';
    for (std::size_t i = 0; i < messages.size(); ++i) {
        auto sent = current->publish(messages[i], reply + std::to_string(i));
        if (sent) continue;
        batch->answer(i, std::move(sent).error());
        for (std::size_t rest = i + 1; rest < messages.size(); ++rest)
            batch->answer(rest, model::error(Errc::unavailable, "not sent"));
        break;
    }
    batch->wait_until(until);
    std::string late = "no answer within " + std::to_string(model::to_ms(until - begin)) + " ms";
    if (const auto reason = last_reason(); !reason.empty()) late += " (" + reason + ')';
    batch->answer_rest(model::error(Errc::unknown_outcome, std::move(late)));
    {
        const std::lock_guard lock{mutex_};
        batches_.erase(number);
    }
    auto answers = batch->take();
    // An answer may have found us over the next connection: its request belongs to the one before.
    if (current->session() != session_before) {
        for (auto& answer : answers) {
            if (answer) answer = model::error(Errc::unknown_outcome, "reconnected meanwhile");
        }
    }
    return answers;
}

Result<void> Connection::Core::publish(const Outgoing& message) {
    const auto current = link();
    if (!current || !connected_) return model::error(Errc::unavailable, "not connected");
    return current->publish(message, {});
}

void Connection::Core::add(const std::shared_ptr<Subscription::Entry>& entry) {
    // Held throughout, so that a connect that is just being made does not subscribe it twice.
    const std::lock_guard subscribing{subscribing_};
    std::erase_if(subscriptions_, [](const auto& other) { return other->closed(); });
    subscriptions_.push_back(entry);
    if (const auto current = link()) entry->subscribe_on(current);
}

void Connection::Core::add(const std::shared_ptr<Registration::Entry>& entry) {
    {
        const std::lock_guard lock{mutex_};
        registrations_.push_back(entry);
    }
    poke();
}

}  // namespace adapters::nats
