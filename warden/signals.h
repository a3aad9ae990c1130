// How the warden handles signals. If it ends, node process and backend end, and while it is stopped
// nothing enforces the deadline: so no signal that is meant for something else may do either.
//
//   SIGTERM, SIGINT   an orderly shutdown
//   SIGUSR1           a strike now
//   SIGCHLD           check children
//   SIGKILL, SIGSTOP  cannot be handled
//   SIGCONT           continues after SIGSTOP
//   all others        ignored: SIGPIPE (the log's reader ended), SIGTSTP, SIGTTIN and SIGTTOU (the
//                     terminal), SIGHUP (it was closed; no reload yet), SIGQUIT, SIGUSR2, ...
//
// A fault of its own (SIGSEGV, SIGABRT, ...) still ends it, because such signals cannot be ignored.
#pragma once

#include "model/result.h"

namespace warden {

/// Sets this up for the process, however it was started; spawn.h restores the defaults in children.
/// Returns the descriptor from which the first three are read. invalid: it could not be created.
[[nodiscard]] model::Result<int> take_signals();

/// Ignores every signal that can be ignored.
void ignore_signals();

}  // namespace warden
