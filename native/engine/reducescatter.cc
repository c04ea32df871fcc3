#include "engine/reducescatter.h"

#include <span>
#include <vector>

#include "collective/chunk.h"
#include "engine/fusion_plan.h"
#include "engine/packing.h"
#include "engine/result_shapes.h"

namespace tsring {
namespace {

Status moveBucket(const Means& means, const Operation& operation, const Bucket& bucket, const Outcome& outcome) {
  const RequestHeader& header = operation.request.header;
  const size_t ranks = means.backend.size();
  const size_t own = means.backend.index();
  const auto scratch = means.pool.take(bucket.bytes);
  std::vector<std::span<std::byte>> blocks;
  std::byte* at = scratch->data();
  for (size_t rank = 0; rank < ranks; ++rank) {
    std::byte* const begin = at;
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
      const Range part = keptRows(operation.request, i, ranks, rank);
      copyScaled(header.dtype, at, operation.tensors[i].input + part.begin, part.size(), header.prescale);
      at += part.size();
    }
    blocks.emplace_back(begin, at);
  }
  if (Status s = means.backend.reducescatter(blocks, header.dtype, header.op); !s.ok()) return s;
  const std::byte* from = blocks[own].data();
  for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
    const size_t bytes = keptRows(operation.request, i, ranks, own).size();
    copyScaled(header.dtype, outcome.data[i], from, bytes, header.postscale);
    from += bytes;
  }
  return Status::okay();
}

}  // namespace

Status reducescatter(const Means& means, const Operation& operation, Outcome& outcome) {
  const Request& request = operation.request;
  std::vector<size_t> given;
  std::vector<size_t> kept;
  for (size_t i = 0; i < request.shapes.size(); ++i) {
    given.push_back(byteSize(request, request.shapes[i]));
    kept.push_back(keptRows(request, i, means.backend.size(), means.backend.index()).size());
    const auto rows = static_cast<size_t>(request.shapes[i][0]);
    outcome.shapes[i][0] = static_cast<int64_t>(chunk(rows, means.backend.size(), means.backend.index()).size());
  }
  const FusionPlan results = planFusion(kept, means.fusionThresholdBytes);
  outcome.memory = means.pool.take(results.bytes);
  for (const size_t offset : results.offsets) outcome.data.push_back(outcome.memory->data() + offset);
  for (const Bucket& bucket : planFusion(given, means.fusionThresholdBytes).buckets) {
    if (Status s = moveBucket(means, operation, bucket, outcome); !s.ok()) return s;
  }
  return Status::okay();
}

}  // namespace tsring
