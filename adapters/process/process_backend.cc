#include "adapters/process/process_backend.h"

#include <utility>

#include "model/exit_status.h"

namespace adapters::process {

using model::Errc;
using model::Result;
using reconcilers::ports::BackendObserved;

ProcessBackend::ProcessBackend(reconcilers::ports::Warden& warden,
                               model::WardenEntry entry,
                               SpawnCheck spawn_check)
    : warden_{warden}, entry_{entry}, spawn_check_{std::move(spawn_check)} {}

Result<void> ProcessBackend::start() {
    auto started = warden_.start_backend(entry_);
    if (!started && started.error().code == Errc::conflict) return {};
    if (started) return {};
    auto failure = std::move(started).error().during("start backend");
    // The warden may have read the request, and start it later.
    if (failure.code == Errc::unavailable) failure.code = Errc::unknown_outcome;
    return failure;
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
    // The warden's end also ends the backend, but possibly not before this observation.
    if (view.lost) return model::error(Errc::fenced, "observe backend: the warden is gone");
    using State = BackendObserved::State;
    BackendObserved observed{
        .state = view.backend_unknown   ? State::unknown
                 : view.backend_running ? State::running
                                        : State::absent,
        .contained = view.heard ? std::optional{view.backend_contained} : std::nullopt,
        .pid = view.backend_pid,
        .starts = view.backend_starts};
    if (view.backend_exit) observed.last_exit = model::exit_text(*view.backend_exit);
    return observed;
}

}  // namespace adapters::process
