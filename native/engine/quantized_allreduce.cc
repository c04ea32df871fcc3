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

/// Elements of one tensor that travel in one bucket.
struct Run {
  size_t tensor, begin, count;
  size_t bytes() const { return quantizedBlocks(count) * kQuantizedBlockBytes; }
};

/// Lays tensors end to end, block by block, into buckets of at most `thresholdBytes`. A larger tensor goes through
/// several, so that what a rank needs beside its tensors does not grow with them; without a threshold each is a bucket.
std::vector<std::vector<Run>> bucketsOf(std::span<const size_t> counts, size_t thresholdBytes) {
  const size_t most = std::max<size_t>(1, thresholdBytes / kQuantizedBlockBytes);  // blocks
  std::vector<std::vector<Run>> buckets;
  size_t room = 0;
  for (size_t tensor = 0; tensor < counts.size(); ++tensor) {
    if (thresholdBytes == 0) {
      buckets.push_back({{tensor, 0, counts[tensor]}});
      continue;
    }
    for (size_t begin = 0; begin < counts[tensor];) {
      if (room == 0) {
        buckets.emplace_back();
        room = most;
      }
      const size_t count = std::min(counts[tensor] - begin, room * kQuantizedBlockCount);
      buckets.back().push_back({tensor, begin, count});
      begin += count;
      room -= quantizedBlocks(count);
    }
  }
  return buckets;
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
  for (const Shape& shape : operation.request.shapes) {
    counts.push_back(elementCount(shape));
    results.push_back(counts.back() * sizeof(float));
  }
  const bool provide =
      std::none_of(tensors.begin(), tensors.end(), [](const TensorBuffer& tensor) { return tensor.output != nullptr; });
  if (provide) {
    const FusionPlan plan = planFusion(results, means.fusionThresholdBytes);
    outcome.memory = means.pool.take(plan.bytes);
    for (const size_t offset : plan.offsets) outcome.data.push_back(outcome.memory->data() + offset);
  }
  // Half of it: what is received for a bucket takes as much again.
  for (const std::vector<Run>& bucket : bucketsOf(counts, means.fusionThresholdBytes / 2)) {
    size_t bytes = 0;
    for (const Run& run : bucket) bytes += run.bytes();
    const auto packed = means.pool.take(bytes);
    Phase packing("pack");
    std::byte* at = packed->data();
    for (const Run& run : bucket) {
      // A rank that has joined stands in with zeros, from nowhere.
      if (const std::byte* const input = tensors[run.tensor].input) {
        const float* const from = reinterpret_cast<const float*>(input) + run.begin;
        quantize(at, from, run.count, static_cast<float>(header.prescale));
      } else {
        std::fill_n(at, run.bytes(), std::byte{0});
      }
      at += run.bytes();
    }
    packing.end();
    if (Status s = combine(means, *packed, bytes / kQuantizedBlockBytes, header.op); !s.ok()) return s;
    const Phase unpacking("unpack");
    at = packed->data();
    for (const Run& run : bucket) {
      std::byte* const output = provide ? outcome.data[run.tensor] : tensors[run.tensor].output;
      dequantize(reinterpret_cast<float*>(output) + run.begin, at, run.count, static_cast<float>(header.postscale));
      at += run.bytes();
    }
  }
  return Status::okay();
}

}  // namespace tsring
