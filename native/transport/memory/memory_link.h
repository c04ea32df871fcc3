#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <random>
#include <span>

#include "base/bytes.h"
#include "base/deadline.h"
#include "base/status.h"

namespace tsring {

/// What a test does to the bytes from one rank to another.
struct LinkFaults {
  static constexpr size_t kNever = std::numeric_limits<size_t>::max();

  size_t mostBytesPerCall = kNever;    // a call moves a random number of bytes, from 0 to this
  std::chrono::milliseconds delay{0};  // from being sent to being there
  size_t cutAfter = kNever;            // bytes from the start; then the link is gone, for both ends
  size_t stallAfter = kNever;          // bytes from the start; later ones, and the end, never arrive
  size_t flipBitAt = kNever;           // the byte, from the start, that arrives with a bit flipped
};

/// One direction of a connection: bytes under way, in order. Used under the lock of its network.
class MemoryLink {
 public:
  /// At most `capacity` bytes are under way at once; `seed` makes the choices of random faults.
  MemoryLink(size_t capacity, unsigned seed) : capacity_(capacity), random_(seed) {}

  void disturb(const LinkFaults& faults) { faults_ = faults; }

  /// As many bytes as there is room for, perhaps 0. Fails with kPeerLost once the receiver is gone.
  Result<size_t> send(std::span<const std::byte> bytes);
  /// As many bytes as are there, perhaps 0. Fails with kPeerLost after the last when the sender is gone.
  Result<size_t> receive(std::span<std::byte> bytes);

  /// Whether a call would do something: move bytes, or fail.
  bool wantsSend() const { return broken() || receiverGone_ || bytes_.size() < capacity_; }
  bool wantsReceive() const { return arrived() > 0 || ended(); }
  /// When bytes that are under way will be there; far off when none are.
  Clock::time_point nextArrival() const;

  void dropSender() { senderGone_ = true; }
  void dropReceiver() { receiverGone_ = true; }

 private:
  struct Parcel {
    size_t end;  // counted from the link's first byte
    Clock::time_point arrives;
  };
  bool broken() const { return sent_ >= faults_.cutAfter; }
  bool ended() const;
  size_t arrived() const;
  size_t limit(size_t bytes);

  const size_t capacity_;
  LinkFaults faults_;
  std::minstd_rand random_;
  Bytes bytes_;  // sent, not received
  std::deque<Parcel> parcels_;
  size_t sent_ = 0;
  size_t received_ = 0;
  bool senderGone_ = false;
  bool receiverGone_ = false;
};

}  // namespace tsring
