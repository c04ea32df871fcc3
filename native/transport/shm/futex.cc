#include "transport/shm/futex.h"

#ifdef __linux__

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace tsring {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);

void futexWait(std::atomic<uint32_t>& word, uint32_t expected, Deadline deadline) {
  const auto left = std::chrono::nanoseconds(deadline.at() - Clock::now()).count();
  if (left <= 0) return;
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, expected, &timeout, nullptr, 0);
}

void futexWake(std::atomic<uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace tsring

#else

namespace tsring {

// Never called: there is no shared memory to wait in (see shared_memory.cc).
void futexWait(std::atomic<uint32_t>&, uint32_t, Deadline) {}
void futexWake(std::atomic<uint32_t>&) {}

}  // namespace tsring

#endif
