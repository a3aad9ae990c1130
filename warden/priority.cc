#include "warden/priority.h"

#include <sched.h>

namespace warden {

bool take_real_time_priority() {
    sched_param priority{};
    priority.sched_priority = 10;
    return ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) == 0;
}

NormalPriority::NormalPriority() {
    if ((::sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) != SCHED_FIFO) return;
    const sched_param normal{};
    // Without the flag it could not be taken back by a user who is not root.
    lowered_ = ::sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &normal) == 0;
}

NormalPriority::~NormalPriority() {
    if (lowered_) take_real_time_priority();
}

}  // namespace warden
