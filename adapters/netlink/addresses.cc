#include "adapters/netlink/addresses.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "adapters/netlink/connections.h"
#include "adapters/netlink/frame_sockets.h"
#include "adapters/netlink/listener.h"
#include "adapters/netlink/route_socket.h"
#include "adapters/sync/gate.h"

namespace adapters::netlink {
namespace {

using model::Errc;
using model::Result;
using model::VirtualAddress;
using reconcilers::ports::AddressesObserved;
using reconcilers::ports::AddressObserved;
using Family = model::IpAddress::Family;

bool any_of_family(const std::vector<VirtualAddress>& addresses, Family family) {
    return std::any_of(addresses.begin(), addresses.end(), [family](const auto& each) {
        return each.at.address.family == family;
    });
}

bool has_capability(unsigned capability) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
    return (data.at(capability / 32).effective & (1U << (capability % 32U))) != 0;
}

std::string missing_capabilities() {
    std::string missing;
    if (!has_capability(CAP_NET_ADMIN)) missing = "CAP_NET_ADMIN (to bind an address)";
    if (!has_capability(CAP_NET_RAW)) {
        if (!missing.empty()) missing += " and ";
        missing += "CAP_NET_RAW (to announce it)";
    }
    return missing;
}

}  // namespace

class Addresses::Parts {
public:
    Parts(std::vector<VirtualAddress> addresses, reconcilers::ports::Clock& clock)
        : addresses_{std::move(addresses)}, bound_(addresses_.size()), clock_{clock} {
        open();
    }

    Result<AddressesObserved> observe() {
        auto links = route_.links();
        if (!links) return std::move(links).error();
        links_ = std::move(*links);
        std::set<MacAddress> own;
        std::map<std::uint32_t, std::string> names;
        for (const auto& [name, link] : links_) {
            own.insert(link.mac);
            names[link.index] = name;
        }
        std::set<Listener::Place> places;
        for (const auto& [at, interface] : addresses_) {
            const auto link = links_.find(interface);
            if (link != links_.end()) places.insert({at.address, link->second.index});
        }
        const auto missing = missing_capabilities();
        if (missing.empty() && !(opened_ && listener_->complete())) open();
        listener_->set_places(std::move(places), std::move(own));
        const auto listed = route_.addresses();
        if (!listed) return listed.error();
        AddressesObserved observed{.each = {}, .missing = missing};
        if (observed.missing.empty() && !opened_) observed.missing = opened_.error().message;
        for (const auto& address : addresses_) {
            observed.each.push_back(observe_one(address, *listed, names));
            bound_.at(observed.each.size() - 1) = observed.each.back().bound;
        }
        return observed;
    }

    /// Null: there is no such interface now. Its index is that of the last observation or, where it
    /// was not there then, a new one.
    const Link* link_of(std::size_t index) {
        const auto& name = addresses_.at(index).interface;
        if (!links_.contains(name)) {
            if (auto links = route_.links()) links_ = std::move(*links);
        }
        const auto found = links_.find(name);
        return found == links_.end() ? nullptr : &found->second;
    }

    const std::vector<VirtualAddress> addresses_;
    std::vector<bool> bound_;  // as observed, or done, last
    RouteSocket route_;
    FrameSockets frames_;
    Result<void> opened_;
    sync::Callback wake_;

private:
    /// What is not open yet; called again where something could not be opened.
    void open() {
        listener_.reset();  // it reads the sockets
        opened_ = frames_.open(any_of_family(addresses_, Family::v4),
                               any_of_family(addresses_, Family::v6));
        listener_ = std::make_unique<Listener>(frames_, clock_, [this] { wake_(); });
    }

    AddressObserved observe_one(const VirtualAddress& address,
                                const std::vector<Listed>& listed,
                                const std::map<std::uint32_t, std::string>& names) {
        AddressObserved observed;
        const auto link = links_.find(address.interface);
        observed.interface_exists = link != links_.end();
        observed.carrier = observed.interface_exists && link->second.carrier;
        observed.other = listener_->other(address.at.address);
        for (const auto& each : listed) {
            if (each.at.address != address.at.address) continue;
            const auto name = names.find(each.index);
            const VirtualAddress there{.at = each.at,
                                       .interface = name == names.end() ? "?" : name->second};
            if (there == address && !each.permanent) {
                observed.bound = true;
                observed.unusable = each.unusable;
            } else {
                observed.foreign = to_text(there);
            }
        }
        return observed;
    }

    std::map<std::string, Link> links_;
    reconcilers::ports::Clock& clock_;
    std::unique_ptr<Listener> listener_;  // declared last: its thread uses other members
};

Addresses::Addresses(std::vector<VirtualAddress> addresses, reconcilers::ports::Clock& clock)
    : parts_{std::make_unique<Parts>(std::move(addresses), clock)} {}
Addresses::~Addresses() = default;

Result<AddressesObserved> Addresses::observe() { return parts_->observe(); }

Result<void> Addresses::bind(std::size_t address, std::chrono::seconds lifetime) {
    const auto* const link = parts_->link_of(address);
    const auto& what = parts_->addresses_.at(address);
    if (link == nullptr) return model::error(Errc::unavailable, "no interface " + what.interface);
    // What appeared meanwhile is not ours: the next observation shows what it is.
    std::vector<bool>::reference is_bound = parts_->bound_.at(address);
    auto bound = is_bound ? parts_->route_.extend(what.at, link->index, lifetime)
                          : parts_->route_.add(what.at, link->index, lifetime);
    if (bound) is_bound = true;
    return bound;
}

Result<void> Addresses::unbind(std::size_t address) {
    const auto* const link = parts_->link_of(address);
    if (link == nullptr) return {};  // and so it has no addresses
    auto removed = parts_->route_.remove(parts_->addresses_.at(address).at, link->index);
    if (removed) parts_->bound_.at(address) = false;
    return removed;
}

Result<void> Addresses::probe(std::size_t address) {
    const auto* const link = parts_->link_of(address);
    if (!parts_->opened_) return parts_->opened_.error();
    if (link == nullptr) return model::error(Errc::unavailable, "no such interface");
    return parts_->frames_.probe(*link, parts_->addresses_.at(address).at.address);
}

Result<void> Addresses::announce(std::size_t address) {
    const auto* const link = parts_->link_of(address);
    if (!parts_->opened_) return parts_->opened_.error();
    if (link == nullptr) return model::error(Errc::unavailable, "no such interface");
    return parts_->frames_.announce(*link, parts_->addresses_.at(address).at.address);
}

Result<void> Addresses::reset_connections(std::size_t address) {
    auto reset = netlink::reset_connections(parts_->addresses_.at(address).at.address);
    if (!reset) return std::move(reset).error();
    return {};
}

void Addresses::on_change(std::function<void()> wake) { parts_->wake_.set(std::move(wake)); }

}  // namespace adapters::netlink
