#pragma once

#include <poll.h>

#include <atomic>
#include <vector>

#include "base/deadline.h"
#include "base/status.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// poll(2) on the sockets of a mesh, which another thread can end for good. Looks some tens of times, giving its core
/// away at each, before it sleeps. Used by the data thread, but for interrupt().
class PatientPoll {
 public:
  /// Forgets what add() was told, for another wait.
  void clear();
  void add(const Socket& socket, short events) { polled_.push_back({socket.fd(), events, 0}); }

  /// Blocks until there is an event, or looks at once where the caller has `inHand` what it waits for. Fails with
  /// kTimeout at the deadline and with kShutDown once interrupted.
  Status wait(bool inHand, Deadline deadline);

  /// Makes the present and every later wait fail. Any thread.
  void interrupt();

 private:
  std::vector<pollfd> polled_;  // kept between waits: no allocation on the data path
  WakeUp wakeUp_;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace tsring
