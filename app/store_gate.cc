#include "app/store_gate.h"

#include <chrono>
#include <utility>

#include "adapters/nats/servers.h"
#include "adapters/nats/store_identity.h"
#include "app/nats_options.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using adapters::sync::Lock;
using model::Result;
using model::StoreIdentity;
using reconcilers::StoreGuard;
using reconcilers::StoreUse;

constexpr auto admission_timeout = 500ms;
constexpr auto patience = 1s;  // for one server
constexpr auto first_interval = 1s;
constexpr auto slow_interval = 5s;  // for servers that stay away or keep another store
constexpr int first_rounds = 10;
constexpr auto longest_sleep = 1h;

std::vector<std::string> names_of(const std::vector<std::string>& urls) {
    std::vector<std::string> names;
    names.reserve(urls.size());
    for (const auto& url : urls)
        names.push_back(adapters::nats::server_name(url));
    return names;
}

adapters::nats::Admission to_admission(StoreGuard::Answer answer) {
    using Verdict = adapters::nats::Admission::Verdict;
    auto verdict = Verdict::wait;
    if (answer.verdict == StoreGuard::Verdict::admitted) verdict = Verdict::admitted;
    if (answer.verdict == StoreGuard::Verdict::leave) verdict = Verdict::leave;
    return {.verdict = verdict, .why = std::move(answer.why)};
}

}  // namespace

StoreGate::StoreGate(const config::Config& config, const std::string& remembered_log)
    : config_{config},
      streams_{model::stream_names(config.cluster_id)},
      guard_{names_of(config.nats.servers), remembered_log} {}

StoreGate::~StoreGate() {
    surveyor_.request_stop();
    if (surveyor_.joinable()) surveyor_.join();
}

void StoreGate::update(const std::function<void(StoreGuard&)>& change) {
    std::vector<std::weak_ptr<adapters::nats::Connection>> connections;
    bool anew = false;
    {
        const Lock lock{mutex_};
        const auto before = guard_.view();
        const auto given_up = guard_.given_up();
        change(guard_);
        anew = guard_.given_up() != given_up;
        if (!anew && guard_.view() == before) return;
        connections = connections_;
    }
    for (const auto& each : connections) {
        if (const auto connection = each.lock()) connection->ask_again(anew);
    }
    changed_();
}

reconcilers::ports::StoreView StoreGate::view() {
    const Lock lock{mutex_};
    return guard_.view();
}

std::uint64_t StoreGate::round() {
    const Lock lock{mutex_};
    return guard_.round();
}

adapters::nats::Admit StoreGate::admit(StoreUse use) {
    return [this, use](const adapters::nats::Reached& reached) {
        const auto round = this->round();
        const auto until = std::chrono::steady_clock::now() + admission_timeout;
        const auto here = adapters::nats::read_store_identity(reached.exchange, streams_, until);
        StoreGuard::Answer answer;
        update(
            [&](StoreGuard& guard) { answer = guard.reached(use, reached.server, here, round); });
        wake_survey();
        return to_admission(std::move(answer));
    };
}

void StoreGate::lost(StoreUse use) {
    update([use](StoreGuard& guard) { guard.lost(use); });
}

void StoreGate::read_again(adapters::nats::Connection& role) {
    const auto round = this->round();
    const auto here = adapters::nats::read_store_identity(role, streams_);
    const auto server = role.server();
    if (server.empty() || !here.any_stream()) return;
    update([&](StoreGuard& guard) { (void)guard.reached(StoreUse::role, server, here, round); });
    wake_survey();
}

void StoreGate::start(const std::vector<std::shared_ptr<adapters::nats::Connection>>& connections) {
    {
        const Lock lock{mutex_};
        connections_.assign(connections.begin(), connections.end());
    }
    surveyor_ = std::jthread{[this](const std::stop_token& stop) { survey(stop); }};
}

void StoreGate::on_change(std::function<void()> changed) { changed_.set(std::move(changed)); }

void StoreGate::wake_survey() {
    {
        const Lock lock{mutex_};
        news_for_survey_ = true;
    }
    news_.notify_all();
}

void StoreGate::survey(const std::stop_token& stop) {
    int rounds = 0;
    while (!stop.stop_requested()) {
        std::vector<std::size_t> servers;
        {
            const Lock lock{mutex_};
            news_for_survey_ = false;
            servers = guard_.to_survey();
            if (servers.empty()) {
                rounds = 0;
                news_.wait_for(mutex_, stop, longest_sleep, [this]() REQUIRES(mutex_) {
                    return news_for_survey_;
                });
                continue;
            }
        }
        for (const auto server : servers) {
            const auto round = this->round();
            auto options = nats_options(config_, "survey");
            auto found = options ? adapters::nats::probe_store(std::move(*options),
                                                               config_.nats.servers.at(server),
                                                               streams_,
                                                               patience,
                                                               stop)
                                 : Result<StoreIdentity>{std::move(options).error()};
            if (stop.stop_requested()) return;
            update([&](StoreGuard& guard) { guard.surveyed(server, found, round); });
        }
        const Lock lock{mutex_};
        const auto interval = ++rounds <= first_rounds ? first_interval : slow_interval;
        news_.wait_for(
            mutex_, stop, interval, [this]() REQUIRES(mutex_) { return news_for_survey_; });
    }
}

}  // namespace app
