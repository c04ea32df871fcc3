#include "engine/quantized_allreduce.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "base/phase.h"
#include "collective/chunk.h"
#include "engine/fusion_plan.h"
#include "kernel/quantize.h"

namespace tsring {
namespace {

std::span<std::byte> blocksIn(Block& memory, Range blocks) {
  return {memory.data() + blocks.begin * kQuantizedBlockBytes, blocks.size() * kQuantizedBlockBytes};
}

/// Adds up what the ranks have for our run of blocks, laid end to end by rank, and makes blocks of it.
void sumOwnRun(std::span<std::byte> out, std::span<const std::byte> received, size_t ranks, float factor) {
  for (size_t at = 0; at < out.size(); at += kQuantizedBlockBytes) {
    float sums[kQuantizedBlockCount];
    dequantize(sums, received.data() + at, kQuantizedBlockCount, 1);
    for (size_t rank = 1; rank < ranks; ++rank)
      addDequantized(sums, received.data() + rank * out.size() + at, kQuantizedBlockCount);
    quantize(out.data() + at, sums, kQuantizedBlockCount, factor);
  }
}

/// Replaces a bucket's `count` blocks by those of the sums, or averages, over all ranks.
Status combine(const Means& means, Block& packed, size_t count, ReduceOp op) {
  const size_t ranks = means.backend.size();
  const size_t own = means.backend.index();
  const auto runOf = [&](size_t rank) { return chunk(count, ranks, rank); };
  PairSizes sizes(ranks);
  for (size_t from = 0; from < ranks; ++from) {
    for (size_t to = 0; to < ranks; ++to) sizes.of(from, to) = runOf(to).size() * kQuantizedBlockBytes;
  }
  const size_t receivedBytes = ranks * runOf(own).size() * kQuantizedBlockBytes;
  const auto received = means.pool.take(receivedBytes);
  const std::span<std::byte> parts(received->data(), receivedBytes);
  if (Status s = means.backend.alltoall(blocksIn(packed, {0, count}), parts, sizes); !s.ok()) return s;
  const float factor = op == ReduceOp::kAverage ? 1.0F / static_cast<float>(ranks) : 1.0F;
  sumOwnRun(blocksIn(packed, runOf(own)), parts, ranks, factor);
  std::vector<std::span<std::byte>> runs;
  for (size_t rank = 0; rank < ranks; ++rank) runs.push_back(blocksIn(packed, runOf(rank)));
  return means.backend.allgather(runs);
}

}  // namespace

Status quantizedAllreduce(const Means& means, const Operation& operation, Outcome& outcome) {
  const RequestHeader& header = operation.request.header;
  const auto& tensors = operation.tensors;
  std::vector<size_t> counts;
  std::vector<size_t> results;
  std::vector<size_t> sizes;
  for (const Shape& shape : operation.request.shapes) {
    counts.push_back(elementCount(shape));
    results.push_back(counts.back() * sizeof(float));
    sizes.push_back(quantizedBlocks(counts.back()) * kQuantizedBlockBytes);
  }
  const bool provide =
      std::none_of(tensors.begin(), tensors.end(), [](const TensorBuffer& tensor) { return tensor.output != nullptr; });
  if (provide) {
    const FusionPlan plan = planFusion(results, means.fusionThresholdBytes);
    outcome.memory = means.pool.take(plan.bytes);
    for (const size_t offset : plan.offsets) outcome.data.push_back(outcome.memory->data() + offset);
  }
  // Of this plan only the buckets: within one, tensors follow each other block by block, without gaps.
  for (const Bucket& bucket : planFusion(sizes, means.fusionThresholdBytes).buckets) {
    const auto packed = means.pool.take(bucket.bytes);
    Phase packing("pack");
    std::byte* at = packed->data();
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; at += sizes[i++]) {
      // A rank that has joined stands in with zeros, from nowhere.
      if (tensors[i].input) {
        quantize(at, reinterpret_cast<const float*>(tensors[i].input), counts[i], static_cast<float>(header.prescale));
      } else {
        std::fill_n(at, sizes[i], std::byte{0});
      }
    }
    packing.end();
    const auto blocks = static_cast<size_t>(at - packed->data()) / kQuantizedBlockBytes;
    if (Status s = combine(means, *packed, blocks, header.op); !s.ok()) return s;
    const Phase unpacking("unpack");
    at = packed->data();
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; at += sizes[i++]) {
      auto* const out = reinterpret_cast<float*>(provide ? outcome.data[i] : tensors[i].output);
      dequantize(out, at, counts[i], static_cast<float>(header.postscale));
    }
  }
  return Status::okay();
}

}  // namespace tsring
