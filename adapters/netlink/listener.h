// Waits, on a thread of its own, for what happens to this host's addresses and links, and for
// frames in which others claim a virtual address.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "adapters/netlink/frame_sockets.h"
#include "adapters/sync/gate.h"
#include "adapters/sync/mutex.h"
#include "reconcilers/ports/addresses.h"
#include "reconcilers/ports/clock.h"

struct nl_sock;

namespace adapters::netlink {

class Listener {
public:
    /// `sockets` and `clock` must outlive it. Only claims of `addresses` are kept.
    Listener(const FrameSockets& sockets,
             std::set<model::IpAddress> addresses,
             reconcilers::ports::Clock& clock);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Frames of these are our own.
    void set_own(std::set<MacAddress> macs);
    /// Who else claimed it last.
    [[nodiscard]] std::optional<reconcilers::ports::OtherOwner> other(
        const model::IpAddress& address);
    void on_change(std::function<void()> wake) { wake_.set(std::move(wake)); }

private:
    struct Close {
        void operator()(nl_sock* socket) const;
    };
    void open_events();
    void run(const std::stop_token& stop);
    [[nodiscard]] bool read_events() const;
    [[nodiscard]] bool note(const Claim& claim);

    const FrameSockets& sockets_;
    const std::set<model::IpAddress> addresses_;
    reconcilers::ports::Clock& clock_;
    sync::Callback wake_;
    sync::Mutex mutex_;
    std::set<MacAddress> own_ GUARDED_BY(mutex_);
    std::map<model::IpAddress, reconcilers::ports::OtherOwner> others_ GUARDED_BY(mutex_);
    std::unique_ptr<nl_sock, Close> events_;
    int stop_event_ = -1;
    std::jthread thread_;  // declared last: it uses all other members
};

}  // namespace adapters::netlink
