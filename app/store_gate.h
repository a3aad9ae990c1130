// Connects the node process's NATS connections with the StoreGuard that decides which server they
// may use: holds its decisions for all threads, reads the stores' identities, and asks the servers
// that no connection has reached. Rule L12 of docs/protocol.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "adapters/nats/connection.h"
#include "adapters/sync/gate.h"
#include "adapters/sync/mutex.h"
#include "config/config.h"
#include "model/names.h"
#include "reconcilers/ports/store_check.h"
#include "reconcilers/store_guard.h"

namespace app {

/// Must outlive the connections that it admits. Thread-safe.
class StoreGate final : public reconcilers::ports::StoreCheck {
public:
    /// `remembered_log`: see StoreGuard.
    StoreGate(const config::Config& config, const std::string& remembered_log);
    ~StoreGate() override;
    StoreGate(const StoreGate&) = delete;
    StoreGate& operator=(const StoreGate&) = delete;

    [[nodiscard]] reconcilers::ports::StoreView view() override;

    /// The admission function for a connection's options.
    [[nodiscard]] adapters::nats::Admit admit(reconcilers::StoreUse use);
    void lost(reconcilers::StoreUse use);

    /// Starts asking the servers, and makes these connections ask again when an answer may have
    /// changed. Call once.
    void start(const std::vector<std::shared_ptr<adapters::nats::Connection>>& connections);
    /// Called from any thread when view() has changed; must not block. {}: removes it; when this
    /// returns, no call is running.
    void on_change(std::function<void()> changed);

    /// Reads again what the role's connection reached, after it created streams there.
    void read_again(adapters::nats::Connection& role);

private:
    /// Runs `change` on the guard, and reports a change of the view.
    void update(const std::function<void(reconcilers::StoreGuard&)>& change) EXCLUDES(mutex_);
    [[nodiscard]] std::uint64_t round() EXCLUDES(mutex_);
    void survey(const std::stop_token& stop) EXCLUDES(mutex_);
    void wake_survey() EXCLUDES(mutex_);

    const config::Config& config_;
    const model::StreamNames streams_;
    adapters::sync::Mutex mutex_;
    adapters::sync::Condition news_;
    reconcilers::StoreGuard guard_ GUARDED_BY(mutex_);
    bool news_for_survey_ GUARDED_BY(mutex_) = false;  // there may be other servers to ask
    std::vector<std::weak_ptr<adapters::nats::Connection>> connections_ GUARDED_BY(mutex_);
    adapters::sync::Callback changed_;
    std::jthread surveyor_;
};

}  // namespace app
