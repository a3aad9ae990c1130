#include "control/change.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace control {
namespace {

using model::Errc;
using model::Error;
using model::Result;
using model::Revision;
using model::Spec;

/// Counts the attempts, and waits between them.
class Tries {
public:
    explicit Tries(const Attempts& attempts)
        : attempts_{attempts}, until_{attempts.clock.now() + attempts.limit} {}

    /// Whether there is another attempt. Waits before each one but the first.
    bool next() {
        if (begun_++ == 0) return true;
        const auto left = until_ - attempts_.clock.now();
        if (begun_ > attempts_.most || left <= model::Duration{}) return false;
        attempts_.wait(std::min(attempts_.pause, left));
        return true;
    }

private:
    const Attempts& attempts_;
    const model::Instant until_;
    int begun_ = 0;
};

/// What is known about the requests that were sent.
class Doubt {
public:
    /// Keeps the error of a request that expected this revision.
    void failed(Error failure, Revision expected) {
        if (failure.code == Errc::unknown_outcome) sent_ = expected;
        last_ = std::move(failure);
    }
    void failed(Error failure) { last_ = std::move(failure); }
    /// The store now has this revision: a request that expected another one can no longer be
    /// applied.
    void read(Revision present) {
        if (sent_ && *sent_ != present) sent_.reset();
    }
    /// The error to report after the last attempt.
    [[nodiscard]] Error verdict() && {
        if (sent_) {
            return model::error(Errc::unknown_outcome,
                                last_.message + "; it may have arrived all the same");
        }
        if (last_.code == Errc::conflict) {
            last_ = model::error(Errc::unavailable, "others came first each time");
        }
        return std::move(last_);
    }

private:
    std::optional<Revision> sent_;
    Error last_;
};

/// Whether another attempt may succeed.
bool passing(Errc code) {
    return code == Errc::conflict || code == Errc::unavailable || code == Errc::unknown_outcome;
}

}  // namespace

Result<Spec> change_spec(reconcilers::ports::ClusterStore& store,
                         const Operation& operation,
                         const Attempts& attempts) {
    constexpr const char* context = "write the request";
    Doubt doubt;
    for (Tries tries{attempts}; tries.next();) {
        auto entry = store.spec();
        if (!entry) {
            if (!passing(entry.error().code)) return std::move(entry).error().during(context);
            doubt.failed(std::move(entry).error());
            continue;
        }
        doubt.read(entry->revision);
        auto changed = operation(entry->spec);
        if (!changed || *changed == entry->spec) return changed;
        auto written = store.write(*changed, entry->revision);
        if (written) return changed;
        if (!passing(written.error().code)) return std::move(written).error().during(context);
        doubt.failed(std::move(written).error(), entry->revision);
    }
    return std::move(doubt).verdict().during(context);
}

Result<void> erase_member(reconcilers::ports::ClusterStore& store,
                          const std::string& node,
                          const Attempts& attempts) {
    const auto context = "delete the status of " + node;
    std::optional<Revision> first;
    Doubt doubt;
    for (Tries tries{attempts}; tries.next();) {
        auto entry = store.node(node);
        if (!entry) {
            if (!passing(entry.error().code)) return std::move(entry).error().during(context);
            doubt.failed(std::move(entry).error());
            continue;
        }
        if (!*entry) return {};
        const auto present = (*entry)->revision;
        doubt.read(present);
        if (first && *first != present) {
            return model::error(Errc::conflict, "it was written meanwhile: its daemon runs")
                .during(context);
        }
        first = present;
        auto erased = store.erase(node, present);
        if (erased) return {};
        if (!passing(erased.error().code)) return std::move(erased).error().during(context);
        doubt.failed(std::move(erased).error(), present);
    }
    return std::move(doubt).verdict().during(context);
}

}  // namespace control
