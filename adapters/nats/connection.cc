#include "adapters/nats/connection.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/nats/batch.h"
#include "adapters/nats/gate.h"
#include "adapters/nats/link.h"
#include "adapters/nats/numbers.h"
#include "adapters/nats/random_id.h"

namespace adapters::nats {
namespace {

using model::Errc;
using model::Result;
using namespace std::chrono_literals;

constexpr auto tick_interval = 500ms;
constexpr auto first_retry = 250ms;
constexpr auto slowest_retry = 1000ms;

}  // namespace

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

    std::vector<Result<Incoming>> exchange(std::span<const Outgoing> messages, Deadline until);
    Result<void> publish(const Outgoing& message);
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

std::string_view Incoming::header(std::string_view key) const {
    for (const auto& [name, value] : headers) {
        if (name == key) return value;
    }
    return {};
}

Connection::Subscription::Subscription(std::shared_ptr<Entry> entry) : entry_{std::move(entry)} {}
Connection::Subscription::~Subscription() { entry_->close(); }

Connection::Registration::Registration(std::shared_ptr<Entry> entry) : entry_{std::move(entry)} {}
Connection::Registration::~Registration() { entry_->close(); }

Result<std::shared_ptr<Connection>> Connection::open(
    ConnectionOptions options, std::function<void(const ConnectionEvent&)> on_event) {
    if (options.servers.empty()) return model::error(Errc::invalid, "nats: no server is named");
    const auto logins = !options.credentials.empty() + !options.user.empty() +
                        !options.token.empty() + !options.nkey_seed_file.empty();
    if (logins > 1) return model::error(Errc::invalid, "nats: more than one kind of login");
    if (options.tls.cert.empty() != options.tls.key.empty())
        return model::error(Errc::invalid, "nats: tls.cert and tls.key come together");
    for (const auto* path : {&options.credentials,
                             &options.nkey_seed_file,
                             &options.tls.ca,
                             &options.tls.cert,
                             &options.tls.key}) {
        if (!path->empty() && ::access(path->c_str(), R_OK) != 0)
            return model::error(Errc::invalid, "nats: " + *path + " cannot be read");
    }
    const auto core = std::make_shared<Core>(std::move(options), std::move(on_event));
    core->start();
    return std::make_shared<Connection>(core);
}

Connection::Connection(std::shared_ptr<Core> core) : core_{std::move(core)} {}
Connection::~Connection() { core_->stop(); }

bool Connection::connected() const { return core_->connected(); }
std::uint64_t Connection::session() const { return core_->session(); }
model::Duration Connection::timeout() const { return core_->options().timeout; }
std::string Connection::last_reason() const { return core_->last_reason(); }

Deadline Connection::deadline() const {
    return std::chrono::steady_clock::now() + core_->options().timeout;
}

Result<Incoming> Connection::request(const Outgoing& message, Deadline until) {
    return std::move(exchange({&message, 1}, until).front());
}

std::vector<Result<Incoming>> Connection::exchange(std::span<const Outgoing> messages,
                                                   Deadline until) {
    return core_->exchange(messages, until);
}

Result<void> Connection::publish(const Outgoing& message) { return core_->publish(message); }

std::unique_ptr<Connection::Subscription> Connection::subscribe(
    std::string subject, std::function<void(const Incoming&)> handler) {
    auto entry = Subscription::Entry::make(std::move(subject), std::move(handler));
    core_->add(entry);
    return std::make_unique<Subscription>(std::move(entry));
}

std::string Connection::new_inbox() const { return "_INBOX." + random_id(); }

std::unique_ptr<Connection::Registration> Connection::on_change(std::function<void()> changed) {
    auto entry = std::make_shared<Registration::Entry>(Registration::Entry::Kind::change,
                                                       std::move(changed));
    core_->add(entry);
    return std::make_unique<Registration>(std::move(entry));
}

std::unique_ptr<Connection::Registration> Connection::every_tick(std::function<void()> tick) {
    auto entry =
        std::make_shared<Registration::Entry>(Registration::Entry::Kind::tick, std::move(tick));
    core_->add(entry);
    return std::make_unique<Registration>(std::move(entry));
}

}  // namespace adapters::nats
