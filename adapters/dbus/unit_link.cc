#include "adapters/dbus/unit_link.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/dbus/systemd_bus.h"
#include "adapters/sync/gate.h"
#include "adapters/sync/mutex.h"

namespace adapters::dbus {
namespace {

using model::Errc;
using model::Result;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr milliseconds patience{400};        // of whoever calls
constexpr milliseconds retry_interval{250};  // of a connection or a read that failed

microseconds monotonic_now() {
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC, &at);
    return std::chrono::duration_cast<microseconds>(std::chrono::seconds{at.tv_sec} +
                                                    std::chrono::nanoseconds{at.tv_nsec});
}

enum class Call : std::uint8_t { start, stop, kill };

}  // namespace

/// Everything of the thread, and what it shares with the callers.
class UnitLink::Worker {
public:
    explicit Worker(std::string unit)
        : unit_{std::move(unit)}, news_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
    ~Worker() {
        if (news_ >= 0) ::close(news_);
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// The thread's. `self` keeps this for as long as it runs.
    static void run(const std::shared_ptr<Worker>& self) {
        while (!self->ended())
            self->turn();
        self->bus_.reset();
        const sync::Lock lock{self->mutex_};
        self->gone_ = true;
        self->changed_.notify_all();
    }

    Result<void> ask(Call call) EXCLUDES(mutex_);
    UnitSeen seen() EXCLUDES(mutex_) {
        const sync::Lock lock{mutex_};
        (void)changed_.wait_for(mutex_, patience, [this]() REQUIRES(mutex_) { return tried_; });
        return seen_;
    }
    void on_change(std::function<void()> wake) { wake_.set(std::move(wake)); }
    void end() EXCLUDES(mutex_) {
        const sync::Lock lock{mutex_};
        ended_ = true;
        changed_.notify_all();
        poke();
        (void)changed_.wait_for(mutex_, patience, [this]() REQUIRES(mutex_) { return gone_; });
    }

private:
    /// One call, from the request to its answer. Caller and thread both keep it: the caller may
    /// give up first.
    struct Asked {
        Call call{};
        bool sent = false;
        std::optional<Result<void>> answer;
    };

    bool ended() EXCLUDES(mutex_) {
        const sync::Lock lock{mutex_};
        return ended_;
    }
    void poke() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto sent = ::write(news_, &one, sizeof one);
    }

    void turn();
    void connect();
    void lost(const std::string& why);
    void read_unit();
    void answer_calls() EXCLUDES(mutex_);
    Result<void> make(Call call);
    void take(const SystemdBus::News& news);
    void wait() const;
    void publish(UnitSeen seen) EXCLUDES(mutex_);

    const std::string unit_;
    const int news_;

    sync::Mutex mutex_;
    sync::Condition changed_;
    std::shared_ptr<Asked> asked_ GUARDED_BY(mutex_);  // one at a time
    UnitSeen seen_ GUARDED_BY(mutex_);
    bool tried_ GUARDED_BY(mutex_) = false;  // seen_ says something
    bool ended_ GUARDED_BY(mutex_) = false;
    bool gone_ GUARDED_BY(mutex_) = false;  // the thread is
    sync::Callback wake_;

    // Of the thread alone.
    std::unique_ptr<SystemdBus> bus_;
    UnitSeen last_;
    bool to_read_ = false;
    microseconds again_at_{0};  // nothing that failed is tried before
    std::string job_;           // of the last start; "": it ended
    std::uint64_t starts_before_job_ = 0;
};

Result<void> UnitLink::Worker::ask(Call call) {
    const auto until = std::chrono::steady_clock::now() + patience;
    auto mine = std::make_shared<Asked>(Asked{.call = call, .sent = false, .answer = {}});
    const sync::Lock lock{mutex_};
    const bool free =
        changed_.wait_until(mutex_, until, [this]() REQUIRES(mutex_) { return !asked_ || ended_; });
    if (!free || ended_)
        return model::error(Errc::unavailable, "the thread that talks to systemd is busy");
    asked_ = mine;
    poke();
    (void)changed_.wait_until(mutex_, until, [&]() { return mine->answer.has_value(); });
    if (asked_ == mine && !mine->sent) asked_.reset();  // withdrawn
    changed_.notify_all();
    if (mine->answer) return *mine->answer;
    if (mine->sent) return model::error(Errc::unknown_outcome, "systemd does not answer in time");
    return model::error(Errc::unavailable,
                        seen_.trouble.empty() ? "the bus does not answer" : seen_.trouble);
}

void UnitLink::Worker::publish(UnitSeen seen) {
    {
        const sync::Lock lock{mutex_};
        tried_ = true;
        changed_.notify_all();
        if (seen_ == seen) return;
        seen_ = std::move(seen);
    }
    wake_();
}

void UnitLink::Worker::turn() {
    const bool due = monotonic_now() >= again_at_;
    if (!bus_ && due) connect();
    answer_calls();
    // What came while a call waited for its answer is no event of the descriptor any more.
    if (bus_) {
        auto news = bus_->process();
        if (news) take(*news);
        if (!news) lost(news.error().message);
    }
    if (bus_ && to_read_ && monotonic_now() >= again_at_) read_unit();
    wait();
}

void UnitLink::Worker::connect() {
    auto bus = SystemdBus::connect(unit_);
    if (!bus) {
        lost(bus.error().message);
        return;
    }
    bus_ = std::move(*bus);
    job_.clear();  // its end may have been missed
    to_read_ = true;
    again_at_ = {};
}

void UnitLink::Worker::lost(const std::string& why) {
    bus_.reset();
    last_.read = false;
    last_.trouble = "systemd cannot be reached on the bus: " + why;
    again_at_ = monotonic_now() + retry_interval;
    publish(last_);
}

void UnitLink::Worker::read_unit() {
    auto state = bus_->read();
    if (!state && state.error().code == Errc::unavailable) {
        lost(state.error().message);
        return;
    }
    if (!state) {
        last_.read = false;
        last_.trouble = "systemd does not answer: " + state.error().message;
        again_at_ = monotonic_now() + retry_interval;
        publish(last_);
        return;
    }
    to_read_ = false;
    const auto& before = last_.state.invocation;
    const auto& now = state->invocation;
    if (!now.empty() && now != before) {
        ++last_.starts;
        last_.start_failure.clear();
    }
    // One that is forgotten by systemd was not started again.
    const auto kept = now.empty() ? before : now;
    last_.state = std::move(*state);
    last_.state.invocation = kept;
    last_.read = true;
    last_.trouble.clear();
    publish(last_);
}

void UnitLink::Worker::take(const SystemdBus::News& news) {
    if (news.changed) to_read_ = true;
    for (const auto& ended : news.ended) {
        if (ended.path != job_ || job_.empty()) continue;
        job_.clear();
        if (bus_) read_unit();
        const bool tried = last_.starts != starts_before_job_;
        // Also one that was left out or cancelled has to count, or it is asked for without a pause.
        const bool well = ended.result == "done" || ended.result == "canceled";
        if (well && (tried || !last_.read || !at_rest(last_.state))) continue;
        if (!tried) ++last_.starts;
        last_.start_failure = start_failure(ended.result, tried, last_.state);
        publish(last_);
    }
}

void UnitLink::Worker::answer_calls() {
    std::shared_ptr<Asked> asked;
    {
        const sync::Lock lock{mutex_};
        if (!asked_ || asked_->sent || !bus_) return;
        asked = asked_;
        asked->sent = true;
        // Until it is read again: what is known does not have the effect of this call.
        seen_.read = false;
    }
    last_.read = false;
    to_read_ = true;
    again_at_ = {};
    auto outcome = make(asked->call);
    // So that whoever called sees what it has led to.
    read_unit();
    {
        const sync::Lock lock{mutex_};
        asked->answer = std::move(outcome);
        asked_.reset();
        changed_.notify_all();
    }
    wake_();
}

Result<void> UnitLink::Worker::make(Call call) {
    const auto queued = [](const Result<std::string>& job) -> Result<void> {
        if (!job) return job.error();
        return {};
    };
    switch (call) {
        case Call::start: {
            if (!last_.start_failure.empty()) (void)bus_->reset_failed();
            starts_before_job_ = last_.starts;
            auto job = bus_->start();
            if (job) job_ = *job;
            return queued(job);
        }
        case Call::stop:
            job_.clear();  // cancelled by this
            return queued(bus_->stop());
        case Call::kill: {
            // Nothing of it may be left to kill; the stop counts.
            job_.clear();
            (void)bus_->kill(SIGKILL);
            return queued(bus_->stop());
        }
    }
    return {};
}

void UnitLink::Worker::wait() const {
    std::optional<microseconds> until;
    SystemdBus::Wait bus;
    if (bus_) {
        bus = bus_->wait();
        until = bus.until;
    }
    if (!bus_ || to_read_) until = std::min(until.value_or(again_at_), again_at_);
    std::array<pollfd, 2> wait{pollfd{.fd = news_, .events = POLLIN, .revents = 0},
                               pollfd{.fd = bus.fd, .events = bus.events, .revents = 0}};
    timespec limit{};
    if (until) {
        const auto rest = std::max(*until - monotonic_now(), microseconds{0});
        const auto whole = std::chrono::floor<std::chrono::seconds>(rest);
        limit = {.tv_sec = whole.count(),
                 .tv_nsec = std::chrono::nanoseconds{rest - whole}.count()};
    }
    ::ppoll(wait.data(), wait.size(), until ? &limit : nullptr, nullptr);
    std::uint64_t count = 0;
    if (::read(news_, &count, sizeof count) < 0) count = 0;
}

UnitLink::UnitLink(std::string unit) : worker_{std::make_shared<Worker>(std::move(unit))} {
    std::thread{[worker = worker_] { Worker::run(worker); }}.detach();
}

UnitLink::~UnitLink() {
    worker_->on_change({});
    worker_->end();
}

Result<void> UnitLink::start() { return worker_->ask(Call::start); }
Result<void> UnitLink::stop() { return worker_->ask(Call::stop); }
Result<void> UnitLink::kill() { return worker_->ask(Call::kill); }
UnitSeen UnitLink::seen() { return worker_->seen(); }
void UnitLink::on_change(std::function<void()> wake) { worker_->on_change(std::move(wake)); }

}  // namespace adapters::dbus
