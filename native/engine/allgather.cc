#include "engine/allgather.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/phase.h"
#include "engine/fusion_plan.h"
#include "engine/packing.h"
#include "engine/result_shapes.h"

namespace tsring {
namespace {

// What travels together is copied once more, from all ranks: not worth it for more than this.
constexpr size_t kMostPackedBytes = 1 << 20;

using Blocks = std::vector<std::span<std::byte>>;

/// How many bytes each rank brings of each tensor: `[tensor][rank]`.
using Sizes = std::vector<std::vector<size_t>>;

/// One block a rank, end to end from `start` on.
Blocks blocksAt(std::byte* start, std::span<const size_t> sizes) {
  Blocks blocks;
  for (const size_t bytes : sizes) {
    blocks.emplace_back(start, bytes);
    start += bytes;
  }
  return blocks;
}

/// Straight into the result.
Status moveAlone(const Means& means, const Operation& operation, const Sizes& sizes, size_t tensor,
                 const Outcome& outcome) {
  const Blocks blocks = blocksAt(outcome.data[tensor], sizes[tensor]);
  const auto own = blocks[means.backend.index()];
  copyBytes(own.data(), operation.tensors[tensor].input, own.size());
  return means.backend.allgather(blocks);
}

Status moveTogether(const Means& means, const Operation& operation, const Sizes& sizes, const Bucket& bucket,
                    const Outcome& outcome) {
  const size_t ranks = means.backend.size();
  std::vector<size_t> brought(ranks);
  for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
    for (size_t rank = 0; rank < ranks; ++rank) brought[rank] += sizes[i][rank];
  }
  const auto scratch = means.pool.take(bucket.bytes);
  const Blocks blocks = blocksAt(scratch->data(), brought);
  Phase phase("pack");
  std::byte* to = blocks[means.backend.index()].data();
  for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
    const size_t bytes = sizes[i][means.backend.index()];
    copyBytes(to, operation.tensors[i].input, bytes);
    to += bytes;
  }
  phase.end();
  if (Status s = means.backend.allgather(blocks); !s.ok()) return s;
  const Phase unpacking("unpack");
  std::vector<std::byte*> results(outcome.data);
  for (size_t rank = 0; rank < ranks; ++rank) {
    const std::byte* from = blocks[rank].data();
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
      copyBytes(results[i], from, sizes[i][rank]);
      results[i] += sizes[i][rank];
      from += sizes[i][rank];
    }
  }
  return Status::okay();
}

}  // namespace

Status allgather(const Means& means, const Operation& operation, Outcome& outcome) {
  const Sizes sizes = gather(operation, outcome.shapes);
  std::vector<size_t> results;
  for (size_t i = 0; i < sizes.size(); ++i) {
    results.push_back(byteSize(operation.request, outcome.shapes[i]));
  }
  const FusionPlan plan = planFusion(results, std::min(means.fusionThresholdBytes, kMostPackedBytes));
  outcome.memory = means.pool.take(plan.bytes);
  for (const size_t offset : plan.offsets) outcome.data.push_back(outcome.memory->data() + offset);
  for (const Bucket& bucket : plan.buckets) {
    const bool alone = bucket.endTensor - bucket.firstTensor == 1;
    Status s = alone ? moveAlone(means, operation, sizes, bucket.firstTensor, outcome)
                     : moveTogether(means, operation, sizes, bucket, outcome);
    if (!s.ok()) return s;
  }
  return Status::okay();
}

}  // namespace tsring
