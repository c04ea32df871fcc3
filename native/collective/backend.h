#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "base/dtype.h"
#include "base/status.h"
#include "collective/alltoall.h"
#include "collective/chunk.h"
#include "collective/strips.h"

namespace tsring {

/// Collectives over all ranks on one kind of memory. Every rank makes the same calls in the same order. Used by the
/// data thread alone.
class CollectiveBackend {
 public:
  virtual ~CollectiveBackend() = default;

  /// Combines `data` over all ranks, in place, the same bits on each. kAverage divides by the number of ranks.
  virtual Status allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) = 0;
  /// Whether allreduce takes tensors where they lie. Otherwise they are wanted end to end.
  virtual bool takesStrips() const { return false; }
  /// As allreduce, from the strips' inputs into their outputs; where takesStrips says so. A rank may have them end to
  /// end where others do not.
  virtual Status allreduceStrips(const Strips& /*strips*/, DType /*dtype*/, ReduceOp /*op*/) {
    return Status(StatusCode::kInternal, "allreduce: tensors are wanted end to end");
  }
  /// Fills `blocks`, by rank, with every rank's block; our own is there already. Lengths are known and may differ.
  virtual Status allgather(std::span<const std::span<std::byte>> blocks) = 0;
  virtual Status broadcast(std::span<std::byte> data, int root) = 0;
  /// Combines `blocks`, by rank, of all ranks: ours of every rank become our block, the others are undefined. Lengths
  /// may differ from block to block, and are the same on all ranks.
  virtual Status reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) = 0;
  /// Gives every rank its part of `from`, and gets ours of theirs into `into`; both are laid end to end by rank.
  virtual Status alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) = 0;
  /// Adds the gradients of all ranks up by Adasum, each of `tensors` (runs of elements in `data`) on its own. In place,
  /// the same bits on each rank; floats only.
  virtual Status adasum(std::span<std::byte> data, DType dtype, std::span<const Range> tensors) = 0;

  /// Our place among the ranks, and how many they are.
  virtual size_t index() const = 0;
  virtual size_t size() const = 0;

  /// An allreduce of tensors that are laid end to end is fastest in buckets of at most so many bytes.
  virtual uint64_t bestBucketBytes() const { return std::numeric_limits<uint64_t>::max(); }

  /// What an allreduce of so many bytes is done by.
  virtual std::string_view allreduceWay(size_t bytes) const = 0;
};

}  // namespace tsring
