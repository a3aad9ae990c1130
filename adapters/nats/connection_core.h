// Internals of Connection: the keeper thread, requests under way, registered functions. Included by
// connection.cc and connection_core.cc only, as is link.h.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/nats/batch.h"
#include "adapters/nats/connection.h"
#include "adapters/nats/link.h"
#include "adapters/nats/numbers.h"
#include "adapters/nats/random_id.h"
#include "adapters/sync/gate.h"
#include "adapters/sync/mutex.h"

namespace adapters::nats {

// When the connection is rebuilt, only the natsSubscription changes.
class Connection::Subscription::Entry {
public:
    Entry(std::string subject, std::function<void(const Incoming&)> handler)
        : subject_{std::move(subject)}, handler_{std::move(handler)} {}

    static std::shared_ptr<Entry> create(std::string subject,
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
        if (!subscription || took(link, subscription)) return;
        natsSubscription_Unsubscribe(subscription);
    }

    void close() {
        gate_.close();
        Numbers<Entry>::remove(number_);
        std::shared_ptr<Link> link;
        natsSubscription* subscription = nullptr;
        {
            const sync::Lock lock{mutex_};
            closed_ = true;
            link = link_.lock();
            subscription = subscription_;
        }
        // The link still owns the subscription; it is only unsubscribed.
        if (link && subscription) natsSubscription_Unsubscribe(subscription);
    }

    [[nodiscard]] bool closed() {
        const sync::Lock lock{mutex_};
        return closed_;
    }

private:
    /// False: the entry was closed meanwhile, or is subscribed on a newer link.
    bool took(const std::shared_ptr<Link>& link, natsSubscription* subscription) {
        const sync::Lock lock{mutex_};
        if (closed_ || link->first_generation() < generation_) return false;
        generation_ = link->first_generation();
        link_ = link;
        subscription_ = subscription;
        return true;
    }

    const std::string subject_;
    const std::function<void(const Incoming&)> handler_;
    sync::Gate gate_;
    void* number_ = nullptr;
    sync::Mutex mutex_;
    std::weak_ptr<Link> link_ GUARDED_BY(mutex_);
    std::uint64_t generation_ GUARDED_BY(mutex_) = 0;  // of the link
    natsSubscription* subscription_ GUARDED_BY(mutex_) = nullptr;
    bool closed_ GUARDED_BY(mutex_) = false;
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
    sync::Gate gate_;
    std::atomic<bool> closed_ = false;
};

// Exists as long as its Connection. The keeper thread connects, detects changes and reports them;
// callbacks of nats.c only set flags, end requests under way and wake the keeper.
class Connection::Core : public std::enable_shared_from_this<Connection::Core> {
public:
    Core(ConnectionOptions options,
         std::function<void(const ConnectionEvent&)> on_event,
         Admit admit)
        : options_{std::move(options)}, on_event_{std::move(on_event)}, admit_{std::move(admit)} {}

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
        const sync::Lock lock{mutex_};
        last.swap(link_);
    }

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] const ConnectionOptions& options() const { return options_; }

    [[nodiscard]] std::uint64_t connection_generation() const {
        const auto current = link();
        if (!current || !connected_) return last_generation_;
        return remember(current->connection_generation());
    }

    [[nodiscard]] std::string last_reason() const {
        const sync::Lock lock{mutex_};
        return reason_;
    }

    [[nodiscard]] std::string server() const {
        const auto current = link();
        return current && connected_ ? current->server() : std::string{};
    }

    std::vector<model::Result<Incoming>> exchange(std::span<const Outgoing> messages,
                                                  Deadline until);
    model::Result<void> publish(const Outgoing& message);
    void ask_again(bool anew) {
        if (anew) admitted_generation_ = 0;
        poke();
    }
    /// Makes the keeper check again at once.
    void poke() {
        {
            const sync::Lock lock{mutex_};
            poked_ = true;
        }
        wake_.notify_all();
    }
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
        if (!core->admit_) {
            core->set_reason({});
            core->connected_ = true;
        }
        core->poke();
        if (!core->admit_) core->run(Registration::Entry::Kind::change);
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
    bool connect() EXCLUDES(mutex_);
    /// Whether the connect with this generation is admitted, or needs no admission.
    [[nodiscard]] bool admitted(std::uint64_t generation) const {
        return !admit_ || generation == admitted_generation_;
    }
    Admission::Verdict admit(const std::shared_ptr<Link>& current) EXCLUDES(mutex_);
    void leave(std::shared_ptr<Link> current) EXCLUDES(mutex_);
    std::vector<model::Result<Incoming>> exchange_on(const std::shared_ptr<Link>& current,
                                                     std::uint64_t generation,
                                                     std::span<const Outgoing> messages,
                                                     Deadline until);
    void notify() EXCLUDES(mutex_);
    void take_answer(natsMsg* message);
    void end_requests(std::string_view why);
    void run(Registration::Entry::Kind kind) EXCLUDES(mutex_);

    [[nodiscard]] std::shared_ptr<Link> link() const {
        const sync::Lock lock{mutex_};
        return link_;
    }
    void set_reason(std::string reason) {
        const sync::Lock lock{mutex_};
        reason_ = std::move(reason);
    }
    std::uint64_t remember(std::uint64_t generation) const {
        auto known = last_generation_.load();
        while (known < generation && !last_generation_.compare_exchange_weak(known, generation)) {
        }
        return generation;
    }
    void wait(const std::stop_token& stop, std::chrono::milliseconds longest) {
        const sync::Lock lock{mutex_};
        wake_.wait_for(
            mutex_, longest, [&]() REQUIRES(mutex_) { return poked_ || stop.stop_requested(); });
        poked_ = false;
    }

    const ConnectionOptions options_;
    const std::function<void(const ConnectionEvent&)> on_event_;
    const Admit admit_;
    const std::string inbox_ = "_INBOX." + random_id();
    void* number_ = nullptr;

    // A hint that avoids calls on a connection that is down. The keeper corrects it twice a second;
    // the library's own status decides.
    std::atomic<bool> connected_ = false;
    std::atomic<bool> error_seen_ = false;
    mutable std::atomic<std::uint64_t> last_generation_ = 0;
    std::atomic<std::uint64_t> admitted_generation_ = 0;

    mutable sync::Mutex mutex_;
    sync::Condition wake_;
    bool poked_ GUARDED_BY(mutex_) = false;
    // Whoever stores a link here subscribes all entries of subscriptions_ at that moment; whoever
    // adds an entry there subscribes it on the link stored here. So each entry is subscribed
    // exactly once.
    std::shared_ptr<Link> link_ GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<Subscription::Entry>> subscriptions_ GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<Registration::Entry>> registrations_ GUARDED_BY(mutex_);
    std::string reason_ GUARDED_BY(mutex_);
    std::uint64_t last_batch_ GUARDED_BY(mutex_) = 0;
    std::map<std::uint64_t, std::shared_ptr<Batch>> batches_ GUARDED_BY(mutex_);

    // Used by the keeper thread only: the event reported last, and the next servers to try.
    ConnectionEvent last_sent_;
    std::vector<std::string> order_;  // empty: any server
    int left_ = 0;                    // servers not admitted in a row
    int waited_ = 0;                  // answers "wait" in a row

    std::jthread keeper_;
};

}  // namespace adapters::nats
