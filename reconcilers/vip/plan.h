// The decisions about the virtual addresses; pure. They are on the node whose data was promoted
// under a valid lease, and nowhere else. Rules W0 to W4 and D8 of docs/protocol.md.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/ip_address.h"
#include "model/lease.h"
#include "model/time.h"
#include "model/warden_list.h"
#include "reconcilers/board.h"
#include "reconcilers/ports/addresses.h"

namespace reconcilers::vip {

struct Settings {
    struct Address {
        model::VirtualAddress what;
        model::WardenEntry entry;  // in the warden's list
    };
    std::vector<Address> addresses;
    bool take_on_conflict = false;  // bind although another host has it
    model::Duration probe{};        // how long others are asked for it before; zero: not at all
    model::Duration link_down{};    // a carrier lost for longer makes the node unfit
    model::Duration ttl{};
    model::Duration tick{std::chrono::milliseconds{4}};  // of the kernel's timers: 1 / HZ
};

/// Announcements are sent at these times after the address was bound, so that one that is lost
/// matters little: a neighbour that heard none keeps the old host's for more than 40 seconds.
class Announcements {
public:
    static constexpr std::array<model::Duration, 5> schedule{std::chrono::milliseconds{0},
                                                             std::chrono::milliseconds{100},
                                                             std::chrono::milliseconds{500},
                                                             std::chrono::seconds{1},
                                                             std::chrono::seconds{5}};
    void begin(model::Instant now) {
        from_ = now;
        sent_ = 0;
    }
    void end() { sent_ = schedule.size(); }
    void sent() { ++sent_; }
    /// Empty: all are sent.
    [[nodiscard]] std::optional<model::Instant> next() const;
    [[nodiscard]] model::Instant begun() const { return from_; }

private:
    model::Instant from_{};
    std::size_t sent_ = schedule.size();
};

/// What the reconciler remembers of one address between two passes.
struct AddressMemory {
    bool armed = false;           // the warden has it under its deadline
    model::Epoch held_in;         // the newest epoch in which this process bound and announced it
    model::Instant bound_for{};   // the lease's end with which it was bound last; {}: not by us
    model::Instant bound_at{};    // that call
    model::Instant held_since{};  // the first such call since it was not bound
    model::Instant asked_at{};    // when others were last asked for it while it is bound here
    model::Instant expires_at{};  // the earliest time at which the kernel may remove it
    bool was_bound = false;       // in the last pass
    model::WallTime since;        // when it was first seen bound
    std::uint64_t announced = 0;  // announcements since the start of the process
    Announcements announcements;
    model::Instant probe_from{};             // the present round of probes; {}: none
    std::size_t probes = 0;                  // sent in it
    std::optional<ports::OtherOwner> other;  // who claimed it since this node wanted it
    bool link_seen = false;                  // its interface was there at some time
    model::Instant no_carrier_since{};       // {}: it has one
    model::Instant retry_at{};               // after a failed call
    std::string error;
};

struct Memory {
    std::vector<AddressMemory> each;
    model::Instant wanted_since{};    // bound is what they should be, and are not; {}: they are
    model::Instant unwanted_since{};  // off is what they should be, and are not; {}: they are
    /// This node has stepped down because they could not be bound; not again before they were.
    bool offered = false;
};

// Actions; each names an address by its place in the settings.
struct Arm {
    std::size_t address = 0;
    friend bool operator==(const Arm&, const Arm&) = default;
};
struct Disarm {
    std::size_t address = 0;
    friend bool operator==(const Disarm&, const Disarm&) = default;
};
/// Binds, or extends the lifetime.
struct Bind {
    std::size_t address = 0;
    model::Lease lease;
    friend bool operator==(const Bind&, const Bind&) = default;
};
struct Unbind {
    std::size_t address = 0;
    bool reset = false;  // end the connections over it first
    friend bool operator==(const Unbind&, const Unbind&) = default;
};
struct Probe {
    std::size_t address = 0;
    bool first = false;  // of a round
    friend bool operator==(const Probe&, const Probe&) = default;
};
/// Asks who else has the address that is bound here: a host that got it from elsewhere announces
/// nothing.
struct Ask {
    std::size_t address = 0;
    friend bool operator==(const Ask&, const Ask&) = default;
};
struct Announce {
    std::size_t address = 0;
    model::Epoch epoch;
    bool first = false;  // begins the schedule
    friend bool operator==(const Announce&, const Announce&) = default;
};
using Action = std::variant<Arm, Disarm, Bind, Unbind, Probe, Ask, Announce>;

struct Plan {
    std::vector<Action> actions;  // in order, up to the first of an address that fails
    model::Instant wake_at{};
};

/// What the board asks for.
enum class Want : std::uint8_t {
    off,
    leave,  // whatever is there: it is not known yet whether the lease is ours
    keep,   // what is bound, no more
    bound,
};
[[nodiscard]] Want wanted(const Board& board, model::Instant now);

/// W4: for how long the kernel may keep an address that is bound now, in whole seconds, so that its
/// timer ends before the lease though it is late. Zero: not at all.
[[nodiscard]] std::chrono::seconds lifetime(model::Instant valid_until,
                                            model::Instant now,
                                            model::Duration tick);
/// How late the kernel may be with this lifetime. It ends addresses in passes a second apart at the
/// least, begins one up to 1/4 s late, and its timers are the coarser the longer they run.
[[nodiscard]] model::Duration lateness(std::chrono::seconds lifetime, model::Duration tick);

/// Updates the memory from an observation. Call before each plan.
void learn(Memory& memory,
           const Settings& settings,
           const Board& board,
           const ports::AddressesObserved& observed,
           model::Instant now,
           model::WallTime wall);

[[nodiscard]] Plan plan_vip(const Memory& memory,
                            const Settings& settings,
                            const Board& board,
                            const ports::AddressesObserved& observed,
                            model::Instant now);

/// Why this node could not have the addresses, were it the leader; "" it could.
[[nodiscard]] std::string unfit(const Memory& memory,
                                const Settings& settings,
                                const ports::AddressesObserved& observed,
                                model::Instant now);

/// What the other reconcilers and people see.
[[nodiscard]] VipView view(const Memory& memory,
                           const Settings& settings,
                           const Board& board,
                           const ports::AddressesObserved& observed,
                           model::Instant now);

/// Time after which an address that does not go off counts as stuck (D8).
inline constexpr std::chrono::seconds stuck_after{10};
/// While they are bound, others are asked for them so often.
inline constexpr std::chrono::seconds between_asks{5};
/// A round of probes that another host answered is followed by the next one.
inline constexpr std::chrono::seconds between_probes{1};

}  // namespace reconcilers::vip
