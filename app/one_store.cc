#include "app/one_store.h"

#include <memory>
#include <thread>
#include <utility>

#include "adapters/linux/files.h"
#include "adapters/nats/servers.h"
#include "adapters/nats/store_identity.h"
#include "adapters/sync/mutex.h"
#include "app/nats_options.h"
#include "model/names.h"
#include "model/store_identity.h"
#include "reconcilers/replica/local.h"
#include "reconcilers/store_choice.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using adapters::nats::Admission;
using adapters::nats::ConnectionOptions;
using model::Errc;
using model::StoreIdentity;
using model::StoreMatch;
using reconcilers::ServerAnswer;
using reconcilers::StoreChoice;

constexpr auto connect_patience = 1s;  // for one server
constexpr auto answer_timeout = 1s;
constexpr auto admission_timeout = 500ms;
constexpr auto pause = 300ms;
// Streams that are just being made are not seen at every server of a cluster at one moment.
constexpr int attempts_to_refuse = 3;

std::vector<ServerAnswer> ask_all(const ConnectionOptions& options,
                                  const model::StreamNames& streams) {
    std::vector<ServerAnswer> answers;
    for (const auto& url : options.servers) {
        answers.push_back({.name = adapters::nats::server_name(url),
                           .found = model::error(Errc::unavailable, "not asked")});
    }
    std::vector<std::jthread> asking;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        asking.emplace_back([&, i](const std::stop_token& stop) {
            auto one = options;
            one.timeout = answer_timeout;
            answers[i].found = adapters::nats::probe_store(
                std::move(one), options.servers[i], streams, connect_patience, stop);
        });
    }
    for (auto& each : asking)
        each.join();
    return answers;
}

/// Admits what is the store of `identity`, at each connect anew; no stream: what has none either.
class Doorkeeper {
public:
    Doorkeeper(model::StreamNames streams, StoreIdentity identity)
        : streams_{std::move(streams)}, identity_{std::move(identity)} {}

    Admission operator()(const adapters::nats::Reached& reached) {
        using Verdict = Admission::Verdict;
        const auto here = adapters::nats::read_store_identity(
            reached.exchange, streams_, std::chrono::steady_clock::now() + admission_timeout);
        const adapters::sync::Lock lock{mutex_};
        auto match = compare(identity_, here);
        if (!identity_.any_stream()) {
            match = here.surely_empty() ? StoreMatch::same
                    : here.any_stream() ? StoreMatch::other
                                        : StoreMatch::unknown;
        }
        switch (match) {
            case StoreMatch::same:
                identity_ = merge(identity_, here);
                return {.verdict = Verdict::admitted, .why = {}};
            case StoreMatch::unknown:
                return {.verdict = Verdict::wait,
                        .why = reached.server + " does not answer for the streams of this cluster"};
            case StoreMatch::other:
                break;
        }
        return {.verdict = Verdict::leave,
                .why = reached.server + " is another store than this command uses: it has " +
                       to_text(here) + ", the other one " + to_text(identity_)};
    }

private:
    const model::StreamNames streams_;
    adapters::sync::Mutex mutex_;
    StoreIdentity identity_ GUARDED_BY(mutex_);
};

}  // namespace

model::Result<OneStore> find_one_store(const config::Config& config,
                                       const ConnectionOptions& options,
                                       std::chrono::steady_clock::time_point until) {
    if (options.servers.size() == 1) return OneStore{.servers = options.servers, .admit = {}};
    const auto streams = model::stream_names(config.cluster_id);
    adapters::linux_host::Files files;
    const auto remembered = reconcilers::replica::remembered_log(files, config.state_dir);
    for (int attempt = 1;; ++attempt) {
        auto choice = reconcilers::choose_store(ask_all(options, streams), remembered);
        const bool over = std::chrono::steady_clock::now() + pause >= until;
        switch (choice.verdict) {
            case StoreChoice::Verdict::use: {
                OneStore store;
                for (const auto place : choice.servers)
                    store.servers.push_back(options.servers[place]);
                const auto keeper = std::make_shared<Doorkeeper>(streams, choice.identity);
                store.admit = [keeper](const adapters::nats::Reached& reached) {
                    return (*keeper)(reached);
                };
                return store;
            }
            case StoreChoice::Verdict::silent:
                if (over) return model::error(Errc::unavailable, "NATS: " + choice.why);
                break;
            case StoreChoice::Verdict::refuse:
                if (over || attempt >= attempts_to_refuse)
                    return model::error(Errc::invalid, "NATS: " + choice.why);
                break;
        }
        std::this_thread::sleep_for(pause);
    }
}

model::Result<std::shared_ptr<adapters::nats::Connection>> connect_to_one_store(
    const config::Config& config, const std::string& name, model::Duration patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    auto options = nats_options(config, name);
    if (!options) return std::move(options).error();
    auto store = find_one_store(config, *options, until);
    if (!store) return std::move(store).error();
    options->servers = std::move(store->servers);
    options->timeout = std::chrono::seconds{2};
    auto connection =
        adapters::nats::Connection::open(std::move(*options), {}, std::move(store->admit));
    if (!connection) return std::move(connection).error();
    while (!(*connection)->connected()) {
        if (std::chrono::steady_clock::now() >= until)
            return model::error(Errc::unavailable, "NATS: " + (*connection)->last_reason());
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return std::move(*connection);
}

}  // namespace app
