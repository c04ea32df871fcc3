#include "engine/dump_signal.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "base/mutex.h"

namespace tsring {
namespace {

struct Place {
  std::atomic<bool> taken = false;
  std::atomic<int> wakeFd = -1;
  std::atomic<bool> asked = false;
};

// All that a handler may touch are lock-free atomics.
std::array<Place, 64> places;
std::atomic<int> insideHandler = 0;
struct sigaction previous;

Mutex installing;
int users GUARDED_BY(installing) = 0;

void handle(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  insideHandler.fetch_add(1);
  for (Place& place : places) {
    const int fd = place.wakeFd.load();
    if (fd < 0) continue;
    place.asked.store(true);
    const char byte = 0;
    [[maybe_unused]] const auto written = ::write(fd, &byte, 1);
  }
  insideHandler.fetch_sub(1);
  if (previous.sa_flags & SA_SIGINFO) {
    if (previous.sa_sigaction) previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  }
  errno = error;
}

}  // namespace

DumpSignal::DumpSignal(int wakeFd) {
  for (size_t i = 0; i < places.size() && place_ < 0; ++i) {
    if (!places[i].taken.exchange(true)) place_ = static_cast<int>(i);
  }
  if (place_ < 0) return;
  Place& place = places[static_cast<size_t>(place_)];
  place.asked.store(false);
  place.wakeFd.store(wakeFd);
  MutexLock lock(installing);
  if (users++ > 0) return;
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGUSR2, &action, &previous);
}

DumpSignal::~DumpSignal() {
  if (place_ < 0) return;
  Place& place = places[static_cast<size_t>(place_)];
  place.wakeFd.store(-1);
  // A handler that has read the descriptor is about to be done with it; then it may be closed.
  while (insideHandler.load() > 0) std::this_thread::yield();
  place.taken.store(false);
  MutexLock lock(installing);
  if (--users > 0) return;
  struct sigaction current {};
  ::sigaction(SIGUSR2, nullptr, &current);
  // Whoever has put a handler above ours keeps it.
  if (current.sa_sigaction == handle) ::sigaction(SIGUSR2, &previous, nullptr);
}

bool DumpSignal::takeAsked() {
  return place_ >= 0 && places[static_cast<size_t>(place_)].asked.exchange(false);
}

}  // namespace tsring
