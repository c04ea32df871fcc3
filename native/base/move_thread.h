#pragma once

#ifdef __linux__

#include <sched.h>

namespace tsring {

/// Moves the calling thread to one of `processors` that it may run on, and lets it go again: afterwards it may run
/// where it might before. Says whether it moved; not where it may run on none of them, or the system refuses.
bool moveThisThreadTo(const cpu_set_t& processors);

}  // namespace tsring

#endif
