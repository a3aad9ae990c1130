#include "adapters/process/process_backend.h"

#include <string.h>
#include <sys/wait.h>

#include <utility>

namespace adapters::process {

using model::Errc;
using model::Result;
using reconcilers::ports::BackendObserved;

ProcessBackend::ProcessBackend(reconcilers::ports::Warden& warden,
                               reconcilers::ports::SpawnSpec spec)
    : warden_{warden}, spec_{std::move(spec)} {}

Result<void> ProcessBackend::start() {
    auto started = warden_.start_backend(spec_);
    if (!started && started.error().code == Errc::conflict) return {};
    if (!started) return std::move(started).error().during("start backend");
    return {};
}

Result<void> ProcessBackend::stop() {
    auto stopped = warden_.stop_backend();
    if (!stopped) return std::move(stopped).error().during("stop backend");
    return {};
}

Result<void> ProcessBackend::kill() {
    auto killed = warden_.kill_backend();
    if (!killed) return std::move(killed).error().during("kill backend");
    return {};
}

Result<BackendObserved> ProcessBackend::observe() {
    const auto view = warden_.view();
    // The warden's end takes the backend with it, but not before this process can look.
    if (view.lost) return model::error(Errc::fenced, "observe backend: the warden is gone");
    BackendObserved observed{.state = view.backend_running ? BackendObserved::State::running
                                                           : BackendObserved::State::absent,
                             .pid = view.backend_pid,
                             .starts = view.backend_starts};
    if (view.backend_status) observed.last_exit = describe_exit(*view.backend_status);
    return observed;
}

std::string describe_exit(std::int32_t wait_status) {
    if (WIFEXITED(wait_status)) return "exit " + std::to_string(WEXITSTATUS(wait_status));
    if (!WIFSIGNALED(wait_status)) return "status " + std::to_string(wait_status);
    const int number = WTERMSIG(wait_status);
    const char* const name = ::sigabbrev_np(number);
    return "signal " + std::to_string(number) +
           (name == nullptr ? std::string{} : " (" + std::string{name} + ")");
}

}  // namespace adapters::process
