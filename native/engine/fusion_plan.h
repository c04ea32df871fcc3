#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tsring {

/// Of memory that TensorFlow takes as it is.
inline constexpr size_t kTensorAlignment = 64;

/// A run of tensors of one request that is moved as one piece.
struct Bucket {
  size_t firstTensor;
  size_t endTensor;
  size_t offset;  // of the bucket's first byte in the whole layout
  size_t bytes;
};

/// Where each tensor of a request lies when they are laid end to end, and which of them travel together.
struct FusionPlan {
  std::vector<size_t> offsets;  // one a tensor, multiples of the alignment
  std::vector<Bucket> buckets;
  size_t bytes = 0;
};

/// Packs tensors in the order given into buckets of at most `thresholdBytes`; a larger tensor is a bucket of its own.
/// Depends on the sizes alone, so it is the same on every rank and in every run, and so are the bits of the sums.
FusionPlan planFusion(std::span<const size_t> tensorBytes, size_t thresholdBytes, size_t alignment = kTensorAlignment);

}  // namespace tsring
