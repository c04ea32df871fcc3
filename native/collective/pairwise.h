#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include "base/bytes.h"
#include "base/status.h"
#include "collective/ring.h"
#include "transport/mesh.h"

namespace tsring {

/// What the algorithms that pair ranks up use to move bytes: one link, and memory that they use over and over.
struct PairLink {
  Mesh& mesh;
  Bytes& arrived;  // what came to be combined; a RingWorkspace has it
  std::chrono::milliseconds stallLimit;
};

/// Sends `give` to `peer` while what comes from it fills `take`. Either may be empty; the peer's call mirrors ours.
/// Fails with kPeerLost, or kTimeout when nothing moves for the stall limit.
Status exchange(const PairLink& link, int peer, std::span<const std::byte> give, std::span<std::byte> take);

/// Whose elements stand on the left of the operator. Partners must say the opposite of each other: then both compute
/// the same expression, and get the same bits where the result depends on the order.
enum class OnTheLeft : bool { kOurs, kTheirs };

/// Sends `give` to `peer` while what comes from it is combined into `into`, piece by piece as it arrives. `give` is
/// apart from `into` or the same memory; then an element is overwritten only once it has been sent.
Status exchangeAndCombine(const PairLink& link, int peer, std::span<const std::byte> give, std::span<std::byte> into,
                          const Reduction& reduction, OnTheLeft left);

}  // namespace tsring
