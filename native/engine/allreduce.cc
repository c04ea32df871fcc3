#include "engine/allreduce.h"

#include <algorithm>
#include <span>

#include "engine/compressed_allreduce.h"
#include "engine/quantized_allreduce.h"
#include "engine/through_buckets.h"

namespace tsring {

Status allreduce(const Means& means, const Operation& operation, Outcome& outcome) {
  const RequestHeader& header = operation.request.header;
  if (header.payload == DType::kInt8) return quantizedAllreduce(means, operation, outcome);
  if (header.compresses()) return compressedAllreduce(means, operation, outcome);
  if (header.op == ReduceOp::kAdasum) {
    const auto add = [&](std::span<std::byte> data, std::span<const Range> tensors) {
      return means.backend.adasum(data, header.dtype, tensors);
    };
    return throughBuckets(means, operation, outcome, {.readsInputs = true, .endToEnd = add});
  }
  const auto combine = [&](std::span<std::byte> data, std::span<const Range> /*tensors*/) {
    return means.backend.allreduce(data, header.dtype, header.op);
  };
  const auto combineApart = [&](const Strips& strips) {
    return means.backend.allreduceStrips(strips, header.dtype, header.op);
  };
  const size_t bucketBytes = std::min<uint64_t>(means.fusionThresholdBytes, means.backend.bestBucketBytes());
  return throughBuckets({means.backend, means.pool, bucketBytes}, operation, outcome,
                        {.readsInputs = true, .endToEnd = combine, .apart = combineApart});
}

}  // namespace tsring
