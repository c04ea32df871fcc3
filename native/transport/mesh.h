#pragma once

#include <cstddef>
#include <span>

#include "base/deadline.h"
#include "base/status.h"

namespace tsring {

/// What a wait is for: room to send to `peer`, bytes to receive from it, or both.
struct Interest {
  int peer;
  bool send = false;
  bool receive = false;
};

/// The data links of one rank to all others: ordered, reliable byte streams. Used by the data thread alone, but for
/// interrupt(). Algorithms are written against this; tests put faults behind it.
class Mesh {
 public:
  virtual ~Mesh() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Moves as many bytes as go without blocking, perhaps 0. Fails with kPeerLost, the message naming the peer.
  virtual Result<size_t> trySend(int peer, std::span<const std::byte> bytes) = 0;
  virtual Result<size_t> tryReceive(int peer, std::span<std::byte> bytes) = 0;

  /// Blocks until an interest may make progress (there can be false alarms). Fails with kTimeout at the deadline and
  /// with kShutDown once interrupted.
  virtual Status wait(std::span<const Interest> interests, Deadline deadline) = 0;

  /// Makes the present and every later wait fail. Any thread.
  virtual void interrupt() = 0;
};

}  // namespace tsring
