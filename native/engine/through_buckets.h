#pragma once

#include <functional>
#include <span>

#include "collective/chunk.h"
#include "collective/strips.h"
#include "engine/means.h"
#include "engine/pending_table.h"
#include "engine/ticket.h"

namespace tsring {

/// How an operation moves a bucket.
struct BucketMover {
  bool readsInputs;  // on this rank
  /// Tensors that lie end to end in `data`; `tensors` are their elements there.
  std::function<Status(std::span<std::byte> data, std::span<const Range> tensors)> endToEnd;
  /// The same from where tensors are to where results are wanted; called where the backend takes them so.
  std::function<Status(const Strips& strips)> apart = nullptr;
};

/// Moves an operation's tensors bucket by bucket, and puts the results where they are wanted, or has them taken. Where
/// tensors must lie end to end they are laid so, in the results' memory if the engine provides it; a tensor with an
/// output of its own and no company is moved in place there. Scales on the way in and on the way out, where the
/// operation has factors.
Status throughBuckets(const Means& means, const Operation& operation, Outcome& outcome, const BucketMover& mover);

}  // namespace tsring
