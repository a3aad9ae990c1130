#include "tests/bench/peer.h"

#include <signal.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "adapters/nats/connection.h"
#include "adapters/nats/log_store.h"
#include "tests/bench/report.h"
#include "tests/support/eventually.h"
#include "tests/support/litestream.h"
#include "tests/support/processes.h"

namespace bench {

struct Bucket::State {
    State(std::shared_ptr<adapters::nats::Connection> opened, const std::string& name)
        : connection{std::move(opened)}, store{connection, {.bucket = name}} {}

    std::shared_ptr<adapters::nats::Connection> connection;
    adapters::nats::LogStore store;
    model::Sequence seen;
};

Bucket::Bucket(const std::string& url, const std::string& name) {
    auto connection = adapters::nats::Connection::open(
        {.servers = {url}, .name = "bench", .timeout = std::chrono::seconds{5}});
    if (!connection || !test_support::eventually([&] { return (*connection)->connected(); })) {
        throw std::runtime_error{"no connection to " + url};
    }
    state_ = std::make_unique<State>(*connection, name);
    if (!state_->store.ensure()) throw std::runtime_error{"no bucket " + name};
}

Bucket::~Bucket() = default;

void Bucket::skip() {
    const auto state = state_->store.state();
    if (!state) throw std::runtime_error{state.error().message};
    state_->seen = state->last;
}

bool Bucket::wait_file(std::chrono::seconds limit) {
    const auto until = Clock::now() + limit;
    while (Clock::now() < until) {
        const auto meta = state_->store.next_meta(state_->seen.next());
        if (!meta || !*meta) {
            std::this_thread::sleep_for(std::chrono::microseconds{100});
            continue;
        }
        state_->seen = (*meta)->sequence;
        if ((*meta)->meta.name.rfind("ltx/0/", 0) == 0) return true;
    }
    return false;
}

Litestream::Litestream(const std::string& database,
                       const std::string& url,
                       const std::string& bucket,
                       const std::string& interval) {
    const auto config = directory_.path() + "/litestream.yml";
    std::ofstream file{config};
    file << "dbs:\n  - path: " << database << '\n';
    if (!interval.empty()) file << "    monitor-interval: " << interval << '\n';
    file << "    replica:\n      url: " << url << '/' << bucket << '\n';
    if (!interval.empty()) file << "      sync-interval: " << interval << '\n';
    file.close();
    pid_ = test_support::spawn(
        {test_support::litestream(test_support::litestream_newest), "replicate", "-config", config},
        {},
        directory_.path() + "/log");
}

Litestream::~Litestream() {
    if (test_support::reap(pid_)) {
        std::fprintf(stderr,
                     "litestream had ended by itself:\n%s",
                     test_support::read_text(directory_.path() + "/log").c_str());
        return;
    }
    ::kill(pid_, SIGTERM);
    if (test_support::eventually([&] { return test_support::reap(pid_).has_value(); })) return;
    ::kill(pid_, SIGKILL);
    (void)test_support::eventually([&] { return test_support::reap(pid_).has_value(); });
}

bool Litestream::present() {
    return !test_support::litestream(test_support::litestream_newest).empty();
}

}  // namespace bench
