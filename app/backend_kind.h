// The backend of the configured kind, and what it needs on this machine.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/config.h"
#include "reconcilers/ports/backend.h"
#include "reconcilers/ports/clock.h"
#include "reconcilers/ports/warden.h"

namespace app {

/// Where the cgroup of the backend's unit is. Kind systemd alone.
struct UnitPlace {
    std::string root;  // of the cgroup2 hierarchy; "": none is mounted
    std::string path;  // below it

    [[nodiscard]] std::string absolute() const { return root + path; }
};

/// Asks systemd for the unit's cgroup or slice, 1.2 s at most; the usual place where it does not
/// answer. What runs elsewhere then is noticed later, and makes the node unfit.
[[nodiscard]] UnitPlace find_unit(const config::Backend& backend);

/// The place that the warden's list has. The daemon passes it on to the node process in its
/// environment: systemd may have changed its mind since.
void pass_on(const UnitPlace& place);
[[nodiscard]] UnitPlace passed_on();

/// Has systemd stop the unit, half a second at most, so that it does not restart what the warden
/// kills. Nothing for other kinds.
void cancel_restart(const config::Backend& backend);

/// Kills what is in the unit's cgroup. True: nothing is. Nothing for other kinds.
[[nodiscard]] bool end_unit(const config::Backend& backend);

/// Owns the backend and all that belongs to it.
class BackendOfKind {
public:
    /// All must outlive this.
    BackendOfKind(const config::Backend& config,
                  reconcilers::ports::Warden& warden,
                  const reconcilers::ports::Clock& clock);
    ~BackendOfKind();
    BackendOfKind(const BackendOfKind&) = delete;
    BackendOfKind& operator=(const BackendOfKind&) = delete;

    [[nodiscard]] reconcilers::ports::Backend& port();
    /// `wake` is called from any thread when it is to be observed again, in addition to the
    /// warden's changes; {}: not any more.
    void on_change(std::function<void()> wake);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace app
