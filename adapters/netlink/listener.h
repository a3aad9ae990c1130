// Waits, on a thread of its own, for what happens to this host's addresses and links, and for
// frames in which others claim a virtual address.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "adapters/netlink/frame_sockets.h"
#include "adapters/sync/mutex.h"
#include "reconcilers/ports/addresses.h"
#include "reconcilers/ports/clock.h"

struct nl_sock;

namespace adapters::netlink {

class Listener {
public:
    /// `sockets` and `clock` must outlive it; `wake` is called from its thread.
    Listener(const FrameSockets& sockets,
             reconcilers::ports::Clock& clock,
             std::function<void()> wake);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// An address, and the index of the interface on whose network it is: what is claimed on
    /// another one does not concern it.
    using Place = std::pair<model::IpAddress, std::uint32_t>;
    /// Whose claims count, and the addresses of this host's own interfaces, whose frames do not.
    void set_places(std::set<Place> places, std::set<MacAddress> own);
    /// Who else claimed it last.
    [[nodiscard]] std::optional<reconcilers::ports::OtherOwner> other(
        const model::IpAddress& address);
    /// False: something could not be opened, so that it notices less than it should.
    [[nodiscard]] bool complete() const { return events_ != nullptr && stop_event_ >= 0; }

private:
    struct Close {
        void operator()(nl_sock* socket) const;
    };
    void open_events();
    void run(const std::stop_token& stop);
    [[nodiscard]] bool read_events() const;
    [[nodiscard]] bool note(std::uint32_t link, const Claim& claim);

    const FrameSockets& sockets_;
    reconcilers::ports::Clock& clock_;
    const std::function<void()> wake_;
    sync::Mutex mutex_;
    std::set<Place> places_ GUARDED_BY(mutex_);
    std::set<MacAddress> own_ GUARDED_BY(mutex_);
    std::map<model::IpAddress, reconcilers::ports::OtherOwner> others_ GUARDED_BY(mutex_);
    std::unique_ptr<nl_sock, Close> events_;
    int stop_event_ = -1;
    std::jthread thread_;  // declared last: it uses all other members
};

}  // namespace adapters::netlink
