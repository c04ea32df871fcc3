#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tsring {

/// The least that float32 become when they are narrowed: so many elements, in so many bytes.
struct NarrowUnit {
  size_t elements;
  size_t bytes;
  size_t alignment;  // of where a tensor begins in a bucket; `bytes`, where units lie end to end

  /// What `count` elements take.
  size_t bytesOf(size_t count) const { return (count + elements - 1) / elements * bytes; }
};

/// Elements of one tensor that travel in one bucket.
struct TensorRun {
  size_t tensor;
  size_t begin;  // a multiple of the unit's elements
  size_t count;
  size_t offset;  // of its first byte in the bucket
};

/// What is narrowed and moved as one piece.
struct RunBucket {
  std::vector<TensorRun> runs;
  size_t bytes;
};

/// Packs tensors of these lengths as planFusion does, by the bytes that they narrow to, but for one that is larger than
/// a bucket: it goes run by run, so that what a rank needs beside its tensors does not grow with them. A threshold of 0
/// makes each tensor, whatever its size, one bucket. Depends on the lengths alone, as planFusion.
std::vector<RunBucket> planRuns(std::span<const size_t> counts, const NarrowUnit& unit, size_t thresholdBytes);

}  // namespace tsring
