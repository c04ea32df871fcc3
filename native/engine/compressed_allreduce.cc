#include "engine/compressed_allreduce.h"

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "engine/fusion_plan.h"
#include "kernel/half.h"

namespace tsring {
namespace {

// Pool memory is aligned, and so are a caller's float32 arrays.
const float* floatsAt(const std::byte* memory) {
  return reinterpret_cast<const float*>(memory);
}

float* floatsAt(std::byte* memory) {
  return reinterpret_cast<float*>(memory);
}

std::vector<size_t> scaled(std::span<const size_t> counts, size_t elementBytes) {
  std::vector<size_t> sizes;
  for (const size_t count : counts) sizes.push_back(count * elementBytes);
  return sizes;
}

/// Elements of one tensor. No input: a rank that has joined stands in with zeros.
struct Run {
  const float* input;
  float* output;
  size_t count;
};

/// A tensor larger than a bucket, `most` elements at a time: what a rank needs beside its tensors does not grow with
/// them.
Status reduceInRuns(CollectiveBackend& backend, BlockPool& pool, const RequestHeader& header, const Run& whole,
                    size_t most) {
  const HalfKernels& half = halfKernels(header.payload);
  const std::shared_ptr<Block> packed = pool.take(most * elementSize(header.payload));
  for (size_t begin = 0; begin < whole.count; begin += most) {
    const size_t count = std::min(most, whole.count - begin);
    const std::span<std::byte> data(packed->data(), count * elementSize(header.payload));
    std::ranges::fill(data, std::byte{0});
    if (whole.input) half.narrow(data.data(), whole.input + begin, count, static_cast<float>(header.prescale));
    if (Status s = backend.allreduce(data, header.payload, header.op); !s.ok()) return s;
    if (whole.output) half.widen(whole.output + begin, data.data(), count, static_cast<float>(header.postscale));
  }
  return Status::okay();
}

}  // namespace

Status compressedAllreduce(CollectiveBackend& backend, BlockPool& pool, size_t fusionThresholdBytes,
                           const Operation& operation, Outcome& outcome) {
  const RequestHeader& header = operation.request.header;
  const auto& tensors = operation.tensors;
  const auto prescale = static_cast<float>(header.prescale);
  const auto postscale = static_cast<float>(header.postscale);
  const HalfKernels& half = halfKernels(header.payload);
  std::vector<size_t> counts;
  for (const Shape& shape : operation.request.shapes) counts.push_back(elementCount(shape));
  const bool provide =
      std::none_of(tensors.begin(), tensors.end(), [](const TensorBuffer& tensor) { return tensor.output != nullptr; });
  if (provide) {
    const FusionPlan results = planFusion(scaled(counts, sizeof(float)), fusionThresholdBytes);
    outcome.memory = pool.take(results.bytes);
    for (const size_t offset : results.offsets) outcome.data.push_back(outcome.memory->data() + offset);
  }
  const auto resultOf = [&](size_t i) { return floatsAt(provide ? outcome.data[i] : tensors[i].output); };
  const FusionPlan plan = planFusion(scaled(counts, elementSize(header.payload)), fusionThresholdBytes);
  for (const Bucket& bucket : plan.buckets) {
    if (bucket.endTensor - bucket.firstTensor == 1 && fusionThresholdBytes > 0 && bucket.bytes > fusionThresholdBytes) {
      const size_t i = bucket.firstTensor;
      const Run whole{floatsAt(tensors[i].input), resultOf(i), counts[i]};
      const size_t most = std::max<size_t>(1, fusionThresholdBytes / elementSize(header.payload));
      if (Status s = reduceInRuns(backend, pool, header, whole, most); !s.ok()) return s;
      continue;
    }
    const std::shared_ptr<Block> packed = pool.take(bucket.bytes);
    const std::span<std::byte> data(packed->data(), bucket.bytes);
    // What pads tensors is combined, too; and a rank that has joined stands in with zeros, from nowhere.
    std::ranges::fill(data, std::byte{0});
    const auto placeOf = [&](size_t i) { return data.data() + (plan.offsets[i] - bucket.offset); };
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
      if (tensors[i].input) half.narrow(placeOf(i), floatsAt(tensors[i].input), counts[i], prescale);
    }
    if (Status s = backend.allreduce(data, header.payload, header.op); !s.ok()) return s;
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i)
      half.widen(resultOf(i), placeOf(i), counts[i], postscale);
  }
  return Status::okay();
}

}  // namespace tsring
