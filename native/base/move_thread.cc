#include "base/move_thread.h"

namespace tsring {

#ifdef __linux__

bool moveThisThreadTo(const cpu_set_t& processors) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return false;
  cpu_set_t there;
  CPU_AND(&there, &allowed, &processors);
  if (CPU_COUNT(&there) == 0 || ::sched_setaffinity(0, sizeof there, &there) != 0) return false;
  ::sched_setaffinity(0, sizeof allowed, &allowed);
  return true;
}

#endif

}  // namespace tsring
