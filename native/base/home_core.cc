#include "base/home_core.h"

#include <sched.h>

#include <chrono>

#include "base/move_thread.h"

namespace tsring {

#ifdef __linux__

namespace {

// To move takes some tens of microseconds. Where something else moves us back all the time, that is too dear for each
// call.
constexpr std::chrono::milliseconds kBetweenMovesHome{1};

}  // namespace

bool HomeCore::goThere() {
  if (!processor_ || ::sched_getcpu() == *processor_) return false;
  const auto now = Clock::now();
  if (now - movedAt_ < kBetweenMovesHome) return false;
  movedAt_ = now;
  cpu_set_t home;
  CPU_ZERO(&home);
  CPU_SET(*processor_, &home);
  return moveThisThreadTo(home);
}

#else

bool HomeCore::goThere() {
  return false;
}

#endif

}  // namespace tsring
