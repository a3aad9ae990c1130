// What a Connection is made of: its keeper, its requests under way, and what it calls. For
// connection.cc and connection_core.cc alone, as link.h is.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/nats/batch.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/gate.h"
#include "adapters/nats/link.h"
#include "adapters/nats/numbers.h"
#include "adapters/nats/random_id.h"

namespace adapters::nats {

// Of a rebuilt connection only the natsSubscription changes.
class Connection::Subscription::Entry {
public:
    Entry(std::string subject, std::function<void(const Incoming&)> handler)
        : subject_{std::move(subject)}, handler_{std::move(handler)} {}

    static std::shared_ptr<Entry> make(std::string subject,
                                       std::function<void(const Incoming&)> handler) {
        auto entry = std::make_shared<Entry>(std::move(subject), std::move(handler));
        entry->number_ = Numbers<Entry>::add(entry);
        return entry;
    }

    static void received(natsConnection*, natsSubscription*, natsMsg* message, void* number) {
        if (const auto entry = Numbers<Entry>::find(number)) {
            entry->gate_.pass([&] { entry->handler_(to_incoming(message)); });
        }
        natsMsg_Destroy(message);
    }

    void subscribe_on(const std::shared_ptr<Link>& link) {
        auto* subscription = link->subscribe(subject_, &Entry::received, number_);
        const std::lock_guard lock{mutex_};
        link_ = link;
        subscription_ = subscription;
    }

    void close() {
        gate_.close();
        Numbers<Entry>::remove(number_);
        const std::lock_guard lock{mutex_};
        // The link still owns it: it is only told that nobody listens any more.
        if (const auto link = link_.lock(); link && subscription_)
            natsSubscription_Unsubscribe(subscription_);
        subscription_ = nullptr;
        closed_ = true;
    }

    [[nodiscard]] bool closed() {
        const std::lock_guard lock{mutex_};
        return closed_;
    }

private:
    std::string subject_;
    std::function<void(const Incoming&)> handler_;
    Gate gate_;
    void* number_ = nullptr;
    std::mutex mutex_;
    std::weak_ptr<Link> link_;
    natsSubscription* subscription_ = nullptr;
    bool closed_ = false;
};

class Connection::Registration::Entry {
public:
    enum class Kind : std::uint8_t { change, tick };
    Entry(Kind kind, std::function<void()> call) : kind_{kind}, call_{std::move(call)} {}

    [[nodiscard]] Kind kind() const { return kind_; }
    void run() { gate_.pass(call_); }
    void close() {
        closed_ = true;
        gate_.close();
    }
    [[nodiscard]] bool closed() const { return closed_; }

private:
    const Kind kind_;
    const std::function<void()> call_;
    Gate gate_;
    std::atomic<bool> closed_ = false;
};

// Lives as long as its Connection. The keeper thread connects, notices what changed and tells it;
// callbacks of nats.c only set flags, end what was in flight and wake.
class Connection::Core : public std::enable_shared_from_this<Connection::Core> {
public:
    Core(ConnectionOptions options, std::function<void(const ConnectionEvent&)> on_event)
        : options_{std::move(options)}, on_event_{std::move(on_event)} {}

    void start() {
        number_ = Numbers<Core>::add(shared_from_this());
        keeper_ = std::jthread{[this](const std::stop_token& stop) { keep(stop); }};
    }

    void stop() {
        keeper_.request_stop();
        poke();
        keeper_.join();
        Numbers<Core>::remove(number_);
        connected_ = false;
        end_requests("connection closed");
        std::shared_ptr<Link> last;
        const std::lock_guard lock{mutex_};
        last.swap(link_);
    }

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] const ConnectionOptions& options() const { return options_; }

    [[nodiscard]] std::uint64_t session() const {
        const auto current = link();
        if (!current || !connected_) return last_session_;
        return remember(current->session());
    }

    [[nodiscard]] std::string last_reason() const {
        const std::lock_guard lock{mutex_};
        return reason_;
    }

    std::vector<model::Result<Incoming>> exchange(std::span<const Outgoing> messages,
                                                  Deadline until);
    model::Result<void> publish(const Outgoing& message);
    void add(const std::shared_ptr<Subscription::Entry>& entry);
    void add(const std::shared_ptr<Registration::Entry>& entry);

private:
    // Callbacks of nats.c.
    static void disconnected(natsConnection*, void* number) {
        const auto core = Numbers<Core>::find(number);
        if (!core) return;
        core->connected_ = false;
        core->end_requests("disconnected");
        core->poke();
        core->run(Registration::Entry::Kind::change);
    }
    static void reconnected(natsConnection*, void* number) {
        const auto core = Numbers<Core>::find(number);
        if (!core) return;
        core->set_reason({});
        core->connected_ = true;
        core->poke();
        core->run(Registration::Entry::Kind::change);
    }
    static void closed(natsConnection*, void* number) {
        const auto core = Numbers<Core>::find(number);
        if (!core) return;
        core->connected_ = false;
        core->end_requests("connection closed by the server");
        core->poke();
    }
    static void failed(natsConnection*, natsSubscription*, natsStatus, void* number) {
        if (const auto core = Numbers<Core>::find(number)) {
            core->error_seen_ = true;
            core->poke();
        }
    }
    static void answered(natsConnection*, natsSubscription*, natsMsg* message, void* number) {
        if (const auto core = Numbers<Core>::find(number)) core->take_answer(message);
        natsMsg_Destroy(message);
    }

    void keep(const std::stop_token& stop);
    bool connect();
    void tell();
    void take_answer(natsMsg* message);
    void end_requests(std::string_view why);
    void run(Registration::Entry::Kind kind);

    [[nodiscard]] std::shared_ptr<Link> link() const {
        const std::lock_guard lock{mutex_};
        return link_;
    }
    void set_reason(std::string reason) {
        const std::lock_guard lock{mutex_};
        reason_ = std::move(reason);
    }
    std::uint64_t remember(std::uint64_t session) const {
        auto known = last_session_.load();
        while (known < session && !last_session_.compare_exchange_weak(known, session)) {
        }
        return session;
    }
    void poke() {
        {
            const std::lock_guard lock{mutex_};
            poked_ = true;
        }
        wake_.notify_all();
    }
    void wait(const std::stop_token& stop, std::chrono::milliseconds longest) {
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, longest, [&] { return poked_ || stop.stop_requested(); });
        poked_ = false;
    }

    const ConnectionOptions options_;
    const std::function<void(const ConnectionEvent&)> on_event_;
    const std::string inbox_ = "_INBOX." + random_id();
    void* number_ = nullptr;

    // A hint that saves calls into a connection that is down; the keeper puts it right twice a
    // second, the library's own status counts.
    std::atomic<bool> connected_ = false;
    std::atomic<bool> error_seen_ = false;
    mutable std::atomic<std::uint64_t> last_session_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool poked_ = false;
    std::shared_ptr<Link> link_;
    std::string reason_;
    std::uint64_t last_batch_ = 0;
    std::map<std::uint64_t, std::shared_ptr<Batch>> batches_;
    std::vector<std::shared_ptr<Registration::Entry>> registrations_;

    // Taken before the other, and alone held over calls into the library.
    std::mutex subscribing_;
    std::vector<std::shared_ptr<Subscription::Entry>> subscriptions_;

    // The keeper's alone: what was told last.
    ConnectionEvent told_;

    std::jthread keeper_;
};

}  // namespace adapters::nats
