#include "engine/quantized_allreduce.h"

#include <algorithm>
#include <span>
#include <vector>

#include "collective/chunk.h"
#include "engine/narrowed_allreduce.h"
#include "kernel/quantize.h"

namespace tsring {
namespace {

std::span<std::byte> blocksIn(std::span<std::byte> memory, Range blocks) {
  return memory.subspan(blocks.begin * kQuantizedBlockBytes, blocks.size() * kQuantizedBlockBytes);
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

/// Replaces a bucket's blocks by those of the sums, or averages, over all ranks.
Status combine(const Means& means, std::span<std::byte> packed, ReduceOp op) {
  const size_t count = packed.size() / kQuantizedBlockBytes;
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
  if (Status s = means.backend.alltoall(packed, parts, sizes); !s.ok()) return s;
  const float factor = op == ReduceOp::kAverage ? 1.0F / static_cast<float>(ranks) : 1.0F;
  sumOwnRun(blocksIn(packed, runOf(own)), parts, ranks, factor);
  std::vector<std::span<std::byte>> runs;
  for (size_t rank = 0; rank < ranks; ++rank) runs.push_back(blocksIn(packed, runOf(rank)));
  return means.backend.allgather(runs);
}

}  // namespace

Status quantizedAllreduce(const Means& means, const Operation& operation, Outcome& outcome) {
  const NarrowUnit block{kQuantizedBlockCount, kQuantizedBlockBytes, kQuantizedBlockBytes};
  // Half of it: what is received for a bucket takes as much again.
  const size_t bucketBytes = means.fusionThresholdBytes == 0 ? 0 : std::max<size_t>(1, means.fusionThresholdBytes / 2);
  return narrowedAllreduce(
      means, bucketBytes, {block, quantize, dequantize}, operation, outcome,
      [&](std::span<std::byte> packed) { return combine(means, packed, operation.request.header.op); });
}

}  // namespace tsring
