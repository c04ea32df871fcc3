#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/phase.h"
#include "base/status.h"
#include "collective/team.h"
#include "transport/mesh.h"

namespace tsring {

/// One run of bytes that comes from the left neighbour.
struct RingStep {
  std::span<std::byte> into;  // where it belongs
  bool reduce = false;        // combined with what is there, instead of replacing it
  bool complete = false;      // the last to be combined: an average is divided now
};

/// How bytes are combined.
struct Reduction {
  DType dtype;
  ReduceOp op;
  int divisor;  // for kAverage
};

inline constexpr uint32_t kDefaultPieceBytes = 256 << 10;
inline constexpr uint32_t kLeastPieceBytes = 1 << 10;

/// Memory that an algorithm uses over and over. One for each data thread.
struct RingWorkspace {
  std::vector<RingStep> steps;
  /// What came to be combined, small enough to stay in cache. Its size is how much a ring hands to a link, or takes
  /// from it, in one go.
  Bytes arrived = Bytes(kDefaultPieceBytes);
};

/// The one movement that all ring algorithms are made of. We send `own` to the right; from the left come `steps`, and
/// each goes on to the right once it is in its place, until `sendBytes` have been sent. So what we may send at any time
/// is `own` and whatever has arrived: the stream flows without steps having to wait for each other, and combining
/// overlaps with receiving and sending.
///
///      step:    0         1          2
///   receive     a         b          c        (left to right in time)
///   send       own        a          b
///
/// A thread that has other work meanwhile calls advance() now and then, and finish() once it has none. What it was
/// given must stay until then; between two ranks one pass goes on at a time.
class RingPass {
 public:
  RingPass(Mesh& mesh, const Team& team, std::span<const std::byte> own, std::span<const RingStep> steps,
           size_t sendBytes, const Reduction& reduction, Bytes& arrived);

  bool done() const { return toSend_ == 0 && steps_.empty(); }
  /// Moves what goes without waiting. Fails with kPeerLost.
  Status advance();
  /// Waits until done. Fails with kPeerLost, or kTimeout when nothing moves for `stallLimit`.
  Status finish(std::chrono::milliseconds stallLimit);

 private:
  Status step(size_t& moved);
  Status send(size_t& moved);
  Status receive(size_t& moved);
  void place(const RingStep& step, std::span<std::byte> rest, size_t got);
  void skipEmpty();
  size_t maySend() const { return ownBytes_ + placed_; }

  Mesh& mesh_;
  const int left_;
  const int right_;
  const size_t ownBytes_;

  std::span<const std::byte> sending_;
  std::span<const RingStep> later_;  // what is sent after it
  size_t toSend_;
  size_t sent_ = 0;

  std::span<const RingStep> steps_;  // what is still to come
  const Reduction reduction_;
  Bytes& arrived_;
  size_t offset_ = 0;   // inside the first of steps_
  size_t waiting_ = 0;  // bytes at the front of arrived_, less than one element between calls
  size_t placed_ = 0;   // bytes that are in their place, and may be passed on
  bool reducing_;
  Phase phase_;
};

/// A whole pass, waited for.
Status passAround(Mesh& mesh, const Team& team, std::span<const std::byte> own, std::span<const RingStep> steps,
                  size_t sendBytes, const Reduction& reduction, Bytes& arrived, std::chrono::milliseconds stallLimit);

}  // namespace tsring
