#include "transport/tcp/patient_poll.h"

#include <sched.h>

#include <cerrno>

namespace tsring {
namespace {

// To sleep and be woken costs as much as some tens of looks, each of which lets others have the core.
constexpr int kLooks = 50;

}  // namespace

void PatientPoll::clear() {
  polled_.assign({{wakeUp_.fd(), POLLIN, 0}});
}

Status PatientPoll::wait(bool inHand, Deadline deadline) {
  if (inHand && !interrupted_.load(std::memory_order_acquire)) return Status::okay();
  for (int looks = 0;; ++looks) {
    if (interrupted_.load(std::memory_order_acquire)) return Status(StatusCode::kShutDown, "interrupted");
    const bool sleeps = looks >= kLooks;
    const int ready = ::poll(polled_.data(), polled_.size(), sleeps ? deadline.pollTimeoutMs() : 0);
    if (ready < 0 && errno != EINTR) return statusFromErrno(StatusCode::kInternal, "poll failed", errno);
    if (ready > 0 && !interrupted_.load(std::memory_order_acquire)) return Status::okay();
    if (ready == 0 && deadline.passed()) return Status(StatusCode::kTimeout, "timed out");
    if (!sleeps) ::sched_yield();
  }
}

void PatientPoll::interrupt() {
  interrupted_.store(true, std::memory_order_release);
  wakeUp_.signal();
}

}  // namespace tsring
