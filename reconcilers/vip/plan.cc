#include "reconcilers/vip/plan.h"

#include <algorithm>

namespace reconcilers::vip {
namespace {

using model::Duration;
using model::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Phase = RoleView::Phase;

constexpr milliseconds poll_interval{500};  // fallback of the notifications
constexpr int probes_in_a_round = 2;
/// Announcements against another host that claims the address begin again no oftener.
constexpr seconds between_defences{1};
/// Of the kernel's passes over its addresses (ADDRCONF_TIMER_FUZZ, ADDRCONF_TIMER_FUZZ_MAX in
/// include/net/addrconf.h): so late for rounding, and so long after the pass before.
constexpr milliseconds pass_rounding{250};
constexpr seconds between_passes{1};
/// For the pass itself.
constexpr milliseconds pass_reserve{50};
/// For so long after another host claimed an address that this one has, there is a conflict.
constexpr seconds conflict_lasts{10};
/// An address that the kernel is about to end is taken off before: it would reset no connection.
constexpr milliseconds before_expiry{50};
/// Reserve for the call that binds.
constexpr milliseconds call_reserve{20};

bool lease_holds(const RoleView& role, Instant now) {
    return role.holds() && role.lease && now < role.lease->fence_at();
}

/// This node's own lifetime may end before the next renewal, when that one is late: extended once
/// more as late as the kernel's whole seconds allow.
Instant last_extension(const model::Lease& lease, Duration tick) {
    constexpr seconds shortest{1};
    return lease.valid_until - lateness(shortest, tick) - call_reserve - shortest - milliseconds{5};
}

bool needs_extension(const AddressMemory& memory,
                     const model::Lease& lease,
                     Instant now,
                     Duration tick) {
    if (memory.bound_for < lease.valid_until) return true;
    const auto last = last_extension(lease, tick);
    return memory.expires_at < lease.fence_at() && memory.bound_at < last && now >= last;
}

/// Not asked for where the former holder has released the lease, which it does only without the
/// address, and where this node had it a moment ago.
bool needs_probe(const AddressMemory& memory, const Settings& settings, const Board& board) {
    if (settings.probe <= Duration{} || board.role.after_release) return false;
    return memory.held_in != board.role.lease->epoch;
}

bool claimed_in_round(const AddressMemory& memory) {
    return memory.probe_from != Instant{} && memory.other && memory.other->at >= memory.probe_from;
}

/// "" or why this address cannot be bound here.
std::string hindrance(const Settings::Address& address, const ports::AddressObserved& observed) {
    if (!observed.foreign.empty()) {
        return "this host has " + observed.foreign +
               ", which no lease limits. If it is not its own: ip addr del " + observed.foreign;
    }
    if (!observed.interface_exists) return "there is no interface " + address.what.interface;
    return {};
}

class Planner {
public:
    Planner(const Memory& memory,
            const Settings& settings,
            const Board& board,
            const ports::AddressesObserved& observed,
            Instant now)
        : memory_{memory}, settings_{settings}, board_{board}, observed_{observed}, now_{now} {
        plan_.wake_at = now + poll_interval;
    }

    Plan plan() {
        const auto want = wanted(board_, now_);
        if (board_.role.lease && now_ < board_.role.lease->fence_at())
            wake(board_.role.lease->fence_at());
        // What ends comes before what begins.
        for (std::size_t i = 0; i < settings_.addresses.size(); ++i) {
            if (want == Want::off) take_off(i);
        }
        for (std::size_t i = 0; i < settings_.addresses.size(); ++i) {
            if (want == Want::keep || want == Want::bound) put_on(i, want);
        }
        return std::move(plan_);
    }

private:
    void wake(Instant at) { plan_.wake_at = std::min(plan_.wake_at, std::max(at, now_)); }
    template <typename A>
    void act(A action) {
        plan_.actions.emplace_back(std::move(action));
    }

    void take_off(std::size_t i) {
        const auto& memory = memory_.each.at(i);
        if (observed_.each.at(i).bound) {
            // In a planned step-down the backend has ended and closed its own.
            act(Unbind{.address = i, .reset = board_.role.phase != Phase::draining});
        } else if (memory.armed && !board_.role.holds()) {
            act(Disarm{i});
        }
    }

    void put_on(std::size_t i, Want want) {
        const auto& memory = memory_.each.at(i);
        const auto& observed = observed_.each.at(i);
        const auto& lease = *board_.role.lease;
        if (now_ < memory.retry_at) {
            wake(memory.retry_at);
            return;
        }
        const bool hindered =
            !observed_.missing.empty() || !hindrance(settings_.addresses.at(i), observed).empty();
        if (!observed.bound && hindered) return;
        if (observed.bound && observed.unusable) {
            act(Unbind{.address = i});
            wake(now_);
            return;
        }
        if (!observed.bound && needs_probe(memory, settings_, board_)) {
            if (!probe(i)) return;
        }
        if (!observed.bound && want != Want::bound) return;
        const bool possible = lifetime(lease.valid_until, now_, settings_.tick) >= seconds{1};
        if (!observed.bound && !possible) return;  // after the next renewal
        if (possible && (!observed.bound || needs_extension(memory, lease, now_, settings_.tick))) {
            if (!memory.armed) act(Arm{i});
            act(Bind{.address = i, .lease = lease});
        } else if (memory.expires_at < lease.fence_at()) {
            const auto last = last_extension(lease, settings_.tick);
            const auto closes = memory.expires_at - before_expiry;
            if ((memory.bound_at >= last || !possible) && now_ >= closes) {
                act(Unbind{.address = i, .reset = true});
                return;
            }
            wake(memory.bound_at < last && possible ? last : closes);
        }
        if (want == Want::bound) announce(i);
    }

    void announce(std::size_t i) {
        const auto& memory = memory_.each.at(i);
        const auto epoch = board_.role.lease->epoch;
        const bool first = !observed_.each.at(i).bound || memory.held_in != epoch;
        const auto next = memory.announcements.next();
        if (first || (next && now_ >= *next)) {
            act(Announce{.address = i, .epoch = epoch, .first = first});
        } else if (next) {
            wake(*next);
        }
        const auto ask_at = memory.asked_at + between_asks;
        if (!observed_.each.at(i).bound || now_ >= ask_at) {
            act(Ask{i});
        } else {
            wake(ask_at);
        }
    }

    /// True: it may be bound.
    bool probe(std::size_t i) {
        const auto& memory = memory_.each.at(i);
        if (memory.probe_from == Instant{}) {
            act(Probe{.address = i, .first = true});
            return false;
        }
        if (claimed_in_round(memory)) {
            if (settings_.take_on_conflict) return true;
            const auto next =
                memory.probe_from + std::max<Duration>(between_probes, settings_.probe);
            if (now_ >= next) {
                act(Probe{.address = i, .first = true});
            } else {
                wake(next);
            }
            return false;
        }
        const auto end = memory.probe_from + settings_.probe;
        if (now_ >= end) return true;
        const auto again = memory.probe_from + settings_.probe / probes_in_a_round;
        if (memory.probes < probes_in_a_round && now_ >= again) {
            act(Probe{.address = i});
        } else {
            wake(memory.probes < probes_in_a_round ? again : end);
        }
        return false;
    }

    const Memory& memory_;
    const Settings& settings_;
    const Board& board_;
    const ports::AddressesObserved& observed_;
    Instant now_;
    Plan plan_;
};

void learn_one(AddressMemory& memory,
               const Board& board,
               const ports::AddressObserved& observed,
               Instant now,
               model::WallTime wall) {
    const bool carrier = observed.interface_exists && observed.carrier;
    const bool back = carrier && memory.no_carrier_since != Instant{};
    memory.link_seen = memory.link_seen || observed.interface_exists;
    if (carrier) {
        memory.no_carrier_since = {};
    } else if (memory.no_carrier_since == Instant{}) {
        memory.no_carrier_since = now;
    }
    if (observed.bound && !memory.was_bound) memory.since = wall;
    if (!observed.bound) {
        memory.bound_for = {};
        memory.held_since = {};
        memory.expires_at = {};
        memory.announcements.end();
    }
    memory.was_bound = observed.bound;
    if (observed.bound && back) memory.announcements.begin(now);

    if (!lease_holds(board.role, now)) {
        memory.probe_from = {};
        memory.probes = 0;
        memory.other.reset();
        return;
    }
    const auto& other = observed.other;
    const auto wanted_from = observed.bound ? memory.held_since : memory.probe_from;
    if (!other || wanted_from == Instant{} || other->at < wanted_from) return;
    if (memory.other && other->at <= memory.other->at) return;
    memory.other = other;
    if (observed.bound && now >= memory.announcements.begun() + between_defences)
        memory.announcements.begin(now);
}

/// Of a timer of the kernel that runs for so long: its wheel has levels, each eight times as coarse
/// as the one below (kernel/time/timer.c).
Duration resolution(Duration time, Duration tick) {
    constexpr std::int64_t first_level = 63;  // ticks
    auto each = tick;
    for (auto reach = first_level; time / tick >= reach; reach *= 8)
        each *= 8;
    return each;
}

bool all_bound(const Memory& memory, const ports::AddressesObserved& observed, model::Epoch epoch) {
    for (std::size_t i = 0; i < observed.each.size(); ++i) {
        const auto& each = observed.each.at(i);
        if (!each.bound || each.unusable || memory.each.at(i).held_in != epoch) return false;
    }
    return true;
}

bool none_bound(const ports::AddressesObserved& observed) {
    return std::none_of(
        observed.each.begin(), observed.each.end(), [](const auto& each) { return each.bound; });
}

/// For people: why the addresses are not bound though they should be.
std::string obstacle(const Memory& memory, const Settings& settings) {
    for (std::size_t i = 0; i < memory.each.size(); ++i) {
        const auto& each = memory.each.at(i);
        const auto name = to_text(settings.addresses.at(i).what.at.address);
        if (claimed_in_round(each))
            return name + " is in use by the host with the MAC " + model::to_text(each.other->mac);
        if (!each.error.empty()) return name + ": " + each.error;
    }
    return "they could not be bound";
}

std::string reason_of(Want want, bool bound, const std::string& unfit, const VipView& view) {
    if (bound) return "Bound";
    if (!unfit.empty()) return "Unfit";
    if (!view.conflict.empty()) return "Conflict";
    return want == Want::bound ? "Binding" : "Passive";
}

}  // namespace

std::optional<Instant> Announcements::next() const {
    if (sent_ >= schedule.size()) return std::nullopt;
    return from_ + schedule.at(sent_);
}

Want wanted(const Board& board, Instant now) {
    const auto& role = board.role;
    if (role.phase == Phase::starting && !board.shutdown) return Want::leave;
    if (!lease_holds(role, now)) return Want::off;
    if (board.replica.backend_must_stop) return Want::off;
    if (const auto step_down = role.step_down()) {
        // Last, when all is shipped: clients see their connections closed, and until then refused,
        // instead of waiting for an answer that nobody gives.
        const bool stopped = board.backend.output.off && board.backend.drained == *step_down;
        return stopped && board.replica.flushed == *step_down ? Want::off : Want::keep;
    }
    // D10: what creates the database may need its address as well.
    const bool serves = board.replica.promoted == role.lease->epoch || board.replica.create_wanted;
    return serves ? Want::bound : Want::keep;
}

Duration lateness(seconds lifetime, Duration tick) {
    const Duration rounded = pass_rounding + resolution(lifetime, tick);
    const Duration after_a_pass = between_passes + resolution(between_passes, tick);
    return std::max(rounded, after_a_pass) + pass_reserve;
}

seconds lifetime(Instant valid_until, Instant now, Duration tick) {
    const auto left = valid_until - now - call_reserve;
    auto time = std::chrono::floor<seconds>(left);
    while (time > seconds{0} && time + lateness(time, tick) > left)
        --time;
    return std::max(time, seconds{0});
}

void learn(Memory& memory,
           const Settings& settings,
           const Board& board,
           const ports::AddressesObserved& observed,
           Instant now,
           model::WallTime wall) {
    memory.each.resize(settings.addresses.size());
    for (std::size_t i = 0; i < memory.each.size(); ++i)
        learn_one(memory.each.at(i), board, observed.each.at(i), now, wall);
    const auto want = wanted(board, now);
    const bool on = want != Want::bound || all_bound(memory, observed, board.role.lease->epoch);
    if (on) {
        memory.wanted_since = {};
    } else if (memory.wanted_since == Instant{}) {
        memory.wanted_since = now;
    }
    if (want == Want::bound && on) memory.offered = false;
    if (want != Want::off || none_bound(observed)) {
        memory.unwanted_since = {};
    } else if (memory.unwanted_since == Instant{}) {
        memory.unwanted_since = now;
    }
}

Plan plan_vip(const Memory& memory,
              const Settings& settings,
              const Board& board,
              const ports::AddressesObserved& observed,
              Instant now) {
    return Planner{memory, settings, board, observed, now}.plan();
}

std::string unfit(const Memory& memory,
                  const Settings& settings,
                  const ports::AddressesObserved& observed,
                  Instant now) {
    if (!observed.missing.empty()) {
        return "the virtual address could not be served here: the daemon lacks " + observed.missing;
    }
    for (std::size_t i = 0; i < observed.each.size(); ++i) {
        const auto& address = settings.addresses.at(i);
        const auto since = memory.each.at(i).no_carrier_since;
        const bool long_ago = since != Instant{} && now > since + settings.link_down;
        // One that is made again, by a network manager, is away for a moment.
        const bool away = !observed.each.at(i).interface_exists && memory.each.at(i).link_seen;
        auto why = hindrance(address, observed.each.at(i));
        if (!why.empty() && (!away || long_ago)) return why;
        if (long_ago) {
            return address.what.interface + ", for the virtual address " +
                   to_text(address.what.at.address) + ", has no carrier";
        }
    }
    return {};
}

VipView view(const Memory& memory,
             const Settings& settings,
             const Board& board,
             const ports::AddressesObserved& observed,
             Instant now) {
    VipView view{.configured = true};
    const auto want = wanted(board, now);
    view.output.off = none_bound(observed);
    const bool foreign = std::any_of(observed.each.begin(),
                                     observed.each.end(),
                                     [](const auto& each) { return !each.foreign.empty(); });
    if (const auto step_down = board.role.step_down();
        step_down && want == Want::off && view.output.off && !foreign)
        view.drained = *step_down;
    view.output.stuck =
        memory.unwanted_since != Instant{} && now >= memory.unwanted_since + stuck_after;
    view.unfit_because = unfit(memory, settings, observed, now);
    const bool bound = want == Want::bound && all_bound(memory, observed, board.role.lease->epoch);
    if (bound) view.bound = board.role.lease->epoch;
    for (std::size_t i = 0; i < observed.each.size(); ++i) {
        const auto& seen = observed.each.at(i);
        const auto& known = memory.each.at(i);
        VipView::Each each{.what = settings.addresses.at(i).what,
                           .bound = seen.bound && !seen.unusable,
                           .since = seen.bound ? known.since : model::WallTime{},
                           .announcements = known.announced};
        if (!seen.foreign.empty()) {
            each.conflict = hindrance(settings.addresses.at(i), seen);
        } else if (known.other && (seen.bound ? now < known.other->at + conflict_lasts
                                              : claimed_in_round(known))) {
            each.conflict =
                "the host with the MAC " + model::to_text(known.other->mac) + " claims it";
        }
        if (view.conflict.empty() && !each.conflict.empty())
            view.conflict = to_text(each.what.at.address) + ": " + each.conflict;
        view.each.push_back(std::move(each));
    }
    view.reason = reason_of(want, bound, view.unfit_because, view);
    if (want == Want::bound && !bound) view.message = obstacle(memory, settings);
    if (!view.unfit_because.empty()) view.message = view.unfit_because;
    const bool long_enough =
        memory.wanted_since != Instant{} && now >= memory.wanted_since + settings.ttl;
    const bool again = !view.unfit_because.empty() || (long_enough && !memory.offered);
    if (want == Want::bound && again) view.give_up = view.message;
    return view;
}

}  // namespace reconcilers::vip
