#include "adapters/dbus/unit_state.h"

#include <csignal>

#include "model/exit_status.h"
#include "model/join.h"

namespace adapters::dbus {
namespace {

using reconcilers::ports::BackendConcern;

constexpr std::string_view service_suffix = ".service";

bool one_of(std::string_view text, std::initializer_list<std::string_view> all) {
    for (const auto each : all)
        if (text == each) return true;
    return false;
}

// As waitpid() would have given it.
std::int32_t wait_status(const UnitState& state) {
    if (state.exit_code == CLD_EXITED) return (state.exit_status & 0xff) << 8;
    return state.exit_status & 0x7f;
}

}  // namespace

std::string unit_name(const std::string& service_name) {
    if (service_name.ends_with(service_suffix)) return service_name;
    return service_name + std::string{service_suffix};
}

std::string cgroup_in(std::string_view slice, std::string_view unit) {
    if (slice.empty()) return {};
    std::string path;
    // The root slice has no directory of its own.
    if (slice != "-.slice") {
        const auto name = slice.substr(0, slice.rfind('.'));
        for (std::size_t dash = name.find('-');; dash = name.find('-', dash + 1)) {
            path += '/';
            path += name.substr(0, dash);
            path += ".slice";
            if (dash == std::string_view::npos) break;
        }
    }
    path += '/';
    path += unit;
    return path;
}

bool at_rest(const UnitState& state) {
    return one_of(state.active, {"inactive", "failed"}) && !state.job_waits;
}

std::string last_exit(const UnitState& state) {
    const bool plain = state.result.empty() ||
                       one_of(state.result, {"success", "exit-code", "signal", "core-dump"});
    if (state.exit_code == 0) return plain ? std::string{} : state.result;
    auto text = model::exit_text(wait_status(state));
    if (!plain) text += ", " + state.result;
    return text;
}

std::string start_failure(std::string_view job_result, bool tried, const UnitState& state) {
    // The unit's result stays that of an earlier failure.
    if (state.result == "start-limit-hit" || (job_result == "failed" && !tried))
        return "start limit hit: systemd refuses to start the unit again so soon "
               "(StartLimitIntervalSec=, StartLimitBurst=)";
    if (job_result == "timeout")
        return "systemd's job timed out: the unit did not come up in time (TimeoutStartSec=, "
               "JobTimeoutSec=)";
    if (job_result == "dependency") return "a unit that it requires could not be started";
    if (job_result == "canceled") return "its start was cancelled by a stop of others";
    // systemd's answer is "done" where a condition keeps it from starting anything.
    if (one_of(job_result, {"done", "skipped", "assert"}))
        return "a condition of the unit does not hold (ConditionPathExists= and the like)";
    const auto exit = last_exit(state);
    return "systemd's start job: " + std::string{job_result} + (exit.empty() ? "" : ", " + exit);
}

BackendConcern why_not_startable(const std::string& unit, const UnitState& state) {
    const auto name = "backend.serviceName: " + unit;
    if (state.load == "not-found")
        return {"UnitMissing", name + " is not there: install the unit, or correct the key"};
    if (state.load == "masked")
        return {"UnitMasked", name + " is masked: systemctl unmask " + unit};
    if (state.load != "loaded")
        return {"UnitUnloadable",
                name + " cannot be loaded: " +
                    (state.load_error.empty() ? state.load : state.load_error) +
                    ": correct the unit's file, then systemctl daemon-reload"};
    if (!state.id.empty() && state.id != unit)
        return {"UnitIsAlias",
                name + " is another name of " + state.id +
                    ", in whose cgroup it runs: set backend.serviceName to " + state.id};
    return {};
}

std::vector<BackendConcern> concerns_of(const std::string& unit, const UnitState& state) {
    std::vector<BackendConcern> all;
    if (auto why = why_not_startable(unit, state); !why.reason.empty()) return {std::move(why)};
    if (state.file.starts_with("enabled"))
        all.push_back({"UnitEnabled",
                       unit +
                           " is enabled: systemd starts it at boot, and the warden kills it "
                           "there. systemctl disable " +
                           unit});
    if (!state.triggered_by.empty())
        all.push_back({"UnitTriggered",
                       unit + " is also started by " + model::join(state.triggered_by, ", ") +
                           ": disable and stop what triggers it"});
    if (!state.restart.empty() && state.restart != "no")
        all.push_back({"UnitRestarts",
                       unit + " has Restart=" + state.restart +
                           ": systemd starts it beside the manager; set Restart=no"});
    if (one_of(state.kill_mode, {"none", "process"}))
        all.push_back({"UnitLeavesProcesses",
                       unit + " has KillMode=" + state.kill_mode +
                           ": a stop leaves processes behind, which are then killed; set "
                           "KillMode=mixed or control-group"});
    if (state.result == "start-limit-hit")
        all.push_back({"UnitStartLimitHit", unit + ": " + start_failure("", true, state)});
    return all;
}

}  // namespace adapters::dbus
