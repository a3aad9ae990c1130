#include "adapters/nats/connection_core.h"

#include <algorithm>
#include <iterator>

#include "adapters/nats/servers.h"

namespace adapters::nats {
namespace {

using model::Errc;
using model::Result;
using namespace std::chrono_literals;

constexpr auto tick_interval = 500ms;
constexpr auto first_retry = 250ms;
constexpr auto slowest_retry = 1000ms;
// longest pause before servers are retried that were not admitted
constexpr auto slowest_return = 2000ms;
constexpr int most_doublings = 3;
// A connect is normally judged within milliseconds; one still waiting after so many answers is
// reported.
constexpr int answers_without_a_word = 3;

/// Removes closed entries. The caller destroys them without holding a lock, because their functions
/// may own other objects.
template <typename Entry>
std::vector<std::shared_ptr<Entry>> take_closed(std::vector<std::shared_ptr<Entry>>& entries) {
    const auto closed = std::stable_partition(
        entries.begin(), entries.end(), [](const auto& entry) { return !entry->closed(); });
    std::vector<std::shared_ptr<Entry>> taken{std::make_move_iterator(closed),
                                              std::make_move_iterator(entries.end())};
    entries.erase(closed, entries.end());
    return taken;
}

}  // namespace

void Connection::Core::keep(const std::stop_token& stop) {
    auto retry = std::chrono::milliseconds{first_retry};
    while (!stop.stop_requested()) {
        auto current = link();
        if (current && current->status() == NATS_CONN_STATUS_CLOSED) {
            connected_ = false;
            set_reason(current->last_error());
            notify();
            const sync::Lock lock{mutex_};
            link_.reset();  // not the last reference: `current` closes it after the lock
            continue;
        }
        if (!current && !connect()) {
            notify();
            const auto until = std::chrono::steady_clock::now() + retry;
            while (!stop.stop_requested() && std::chrono::steady_clock::now() < until)
                wait(stop, retry);
            retry = std::min(retry * 2, std::chrono::milliseconds{slowest_retry});
            continue;
        }
        retry = first_retry;
        current = link();
        const auto verdict = admit(current);
        if (verdict == Admission::Verdict::leave) {
            leave(std::move(current));
            notify();
            const auto pause = std::min<std::chrono::milliseconds>(
                first_retry * (1 << std::min(left_ - 1, most_doublings)), slowest_return);
            const auto until = std::chrono::steady_clock::now() + pause;
            while (!stop.stop_requested() && std::chrono::steady_clock::now() < until)
                wait(stop, pause);
            continue;
        }
        if (verdict == Admission::Verdict::wait) {
            connected_ = false;
            if (last_sent_.connected || waited_ > answers_without_a_word) notify();
            wait(stop, tick_interval);
            continue;
        }
        connected_ = current->status() == NATS_CONN_STATUS_CONNECTED;
        if (error_seen_.exchange(false) || !connected_) set_reason(current->last_error());
        notify();
        run(Registration::Entry::Kind::tick);
        wait(stop, tick_interval);
    }
}

Admission::Verdict Connection::Core::admit(const std::shared_ptr<Link>& current) {
    using Verdict = Admission::Verdict;
    const auto generation = remember(current->connection_generation());
    if (admitted(generation)) return Verdict::admitted;
    if (current->status() != NATS_CONN_STATUS_CONNECTED) {
        set_reason(current->last_error());
        return Verdict::wait;
    }
    const auto answer =
        admit_({.server = current->server(),
                .exchange = [this, &current, generation](std::span<const Outgoing> messages,
                                                         Deadline until) {
                    return exchange_on(current, generation, messages, until);
                }});
    if (current->connection_generation() != generation) {
        poke();  // the answer was about a connect that is over
        return Verdict::wait;
    }
    // A missing permission is reported by the server apart from the request.
    const auto failure = error_seen_.exchange(false) ? current->last_error() : std::string{};
    set_reason(answer.why + (failure.empty() || answer.why.empty() ? "" : ": " + failure));
    switch (answer.verdict) {
        case Verdict::admitted:
            admitted_generation_ = generation;
            left_ = 0;
            waited_ = 0;
            connected_ = true;
            run(Registration::Entry::Kind::change);
            break;
        case Verdict::wait:
            ++waited_;
            break;
        case Verdict::leave:
            ++left_;
            waited_ = 0;
            break;
    }
    return answer.verdict;
}

/// Disconnects, and puts the server that was reached at the end of the order.
void Connection::Core::leave(std::shared_ptr<Link> current) {
    connected_ = false;
    if (order_.empty()) order_ = options_.servers;
    auto found = std::find_if(order_.begin(), order_.end(), [&](const auto& url) {
        return server_name(url) == current->server();
    });
    if (found == order_.end()) found = order_.begin();
    std::rotate(found, found + 1, order_.end());
    const sync::Lock lock{mutex_};
    link_.reset();  // not the last reference: `current` closes it after the lock
}

bool Connection::Core::connect() {
    auto options = options_;
    if (!order_.empty()) options.servers = order_;
    auto created = Link::connect(options,
                                 /*in_order=*/!order_.empty(),
                                 {.disconnected = &Core::disconnected,
                                  .reconnected = &Core::reconnected,
                                  .closed = &Core::closed,
                                  .failed = &Core::failed,
                                  .closure = number_},
                                 last_generation_ + 1);
    if (!created) {
        set_reason(std::move(created).error().message);
        return false;
    }
    const auto current = *created;
    if (!current->subscribe(inbox_ + ".>", &Core::answered, number_)) return false;
    std::vector<std::shared_ptr<Subscription::Entry>> entries;
    {
        const sync::Lock lock{mutex_};
        link_ = current;
        if (!admit_) reason_.clear();  // else it is kept until the connect is judged
        entries = subscriptions_;
    }
    for (const auto& entry : entries)
        entry->subscribe_on(current);
    remember(current->connection_generation());
    if (admit_) return true;
    connected_ = true;
    run(Registration::Entry::Kind::change);
    return true;
}

void Connection::Core::notify() {
    ConnectionEvent now{
        .connected = connected_, .server = last_sent_.server, .reason = last_reason()};
    // A connect that was not admitted is not reported as one.
    now.generation = now.connected || !admit_ ? connection_generation() : last_sent_.generation;
    const auto current = link();
    if (now.connected && current) now.server = current->server();
    const bool missed =
        now.connected && last_sent_.connected && now.generation != last_sent_.generation;
    const bool changed = now.connected != last_sent_.connected ||
                         now.generation != last_sent_.generation ||
                         (!now.connected && now.reason != last_sent_.reason);
    if (!changed) return;
    if (on_event_) {
        if (missed) {
            auto lost = last_sent_;
            lost.connected = false;
            lost.reason = now.reason;
            on_event_(lost);
        }
        auto event = now;
        if (event.connected) event.reason.clear();
        on_event_(event);
    }
    last_sent_ = std::move(now);
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
        const sync::Lock lock{mutex_};
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
        const sync::Lock lock{mutex_};
        for (const auto& [number, batch] : batches_)
            open.push_back(batch);
    }
    for (const auto& batch : open)
        batch->answer_rest(model::error(Errc::unknown_outcome, std::string{why}));
}

void Connection::Core::run(Registration::Entry::Kind kind) {
    std::vector<std::shared_ptr<Registration::Entry>> closed;
    std::vector<std::shared_ptr<Registration::Entry>> entries;
    {
        const sync::Lock lock{mutex_};
        closed = take_closed(registrations_);
        entries = registrations_;
    }
    for (const auto& entry : entries) {
        if (entry->kind() == kind) entry->run();
    }
}

std::vector<Result<Incoming>> Connection::Core::exchange(std::span<const Outgoing> messages,
                                                         Deadline until) {
    const auto current = link();
    if (current && connected_) {
        const auto generation = current->connection_generation();
        if (admitted(generation)) return exchange_on(current, generation, messages, until);
    }
    const auto reason = last_reason();
    return std::vector<Result<Incoming>>(
        messages.size(),
        model::error(Errc::unavailable,
                     reason.empty() ? "not connected" : "not connected: " + reason));
}

std::vector<Result<Incoming>> Connection::Core::exchange_on(const std::shared_ptr<Link>& current,
                                                            std::uint64_t generation,
                                                            std::span<const Outgoing> messages,
                                                            Deadline until) {
    const auto begin = std::chrono::steady_clock::now();
    const auto batch = std::make_shared<Batch>(messages.size());
    if (begin >= until) {
        batch->answer_rest(model::error(Errc::unavailable, "no time left to send it"));
        return batch->take();
    }
    std::string reply = inbox_ + '.';
    std::uint64_t number = 0;
    {
        const sync::Lock lock{mutex_};
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
    // Rounded, so that one limit is one reason in the log.
    const auto limit = std::chrono::ceil<std::chrono::duration<int, std::deci>>(until - begin);
    std::string late = "no answer within " + std::to_string(limit.count() * 100) + " ms";
    if (const auto reason = last_reason(); !reason.empty()) late += " (" + reason + ')';
    batch->answer_rest(model::error(Errc::unknown_outcome, std::move(late)));
    {
        const sync::Lock lock{mutex_};
        batches_.erase(number);
    }
    auto answers = batch->take();
    // The answer may have arrived over a newer connect, but the request was sent on the older one.
    if (current->connection_generation() != generation) {
        for (auto& answer : answers) {
            if (answer) answer = model::error(Errc::unknown_outcome, "reconnected meanwhile");
        }
    }
    return answers;
}

Result<void> Connection::Core::publish(const Outgoing& message) {
    const auto current = link();
    if (!current || !connected_ || !admitted(current->connection_generation()))
        return model::error(Errc::unavailable, "not connected");
    return current->publish(message, {});
}

void Connection::Core::add(const std::shared_ptr<Subscription::Entry>& entry) {
    std::vector<std::shared_ptr<Subscription::Entry>> closed;
    std::shared_ptr<Link> current;
    {
        const sync::Lock lock{mutex_};
        closed = take_closed(subscriptions_);
        subscriptions_.push_back(entry);
        current = link_;
    }
    if (current) entry->subscribe_on(current);
}

void Connection::Core::add(const std::shared_ptr<Registration::Entry>& entry) {
    {
        const sync::Lock lock{mutex_};
        registrations_.push_back(entry);
    }
    poke();
}

}  // namespace adapters::nats
