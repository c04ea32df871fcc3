#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "base/phase.h"
#include "engine/fusion_plan.h"
#include "engine/means.h"
#include "engine/pending_table.h"
#include "engine/run_plan.h"
#include "engine/ticket.h"

namespace tsring {

/// What float32 become on their way.
struct NarrowForm {
  NarrowUnit unit;
  /// `count` numbers times `factor`, as whole units, and back.
  void (*narrow)(std::byte* out, const float* in, size_t count, float factor);
  void (*widen)(float* out, const std::byte* in, size_t count, float factor);
};

/// An allreduce of float32 that travel in another form, bucket by bucket of at most `bucketBytes`: narrowed while they
/// are packed, combined by `move`, which is given a bucket's bytes, and widened into the results. What pads tensors,
/// and what a rank that has joined stands in with, is zeros.
template <typename Move>
Status narrowedAllreduce(const Means& means, size_t bucketBytes, const NarrowForm& form, const Operation& operation,
                         Outcome& outcome, Move move) {
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
  for (const RunBucket& bucket : planRuns(counts, form.unit, bucketBytes)) {
    const std::shared_ptr<Block> packed = means.pool.take(bucket.bytes);
    const std::span<std::byte> data(packed->data(), bucket.bytes);
    Phase packing("pack");
    size_t filled = 0;
    const auto zerosUpTo = [&](size_t end) { std::ranges::fill(data.subspan(filled, end - filled), std::byte{0}); };
    for (const TensorRun& run : bucket.runs) {
      const std::byte* const input = tensors[run.tensor].input;
      if (!input) continue;
      zerosUpTo(run.offset);
      if (Status s = operation.awaitInput(run.tensor); !s.ok()) return s;
      // Pool memory is aligned, and so are a caller's float32 arrays.
      const float* const from = reinterpret_cast<const float*>(input) + run.begin;
      form.narrow(data.data() + run.offset, from, run.count, static_cast<float>(header.prescale));
      filled = run.offset + form.unit.bytesOf(run.count);
    }
    zerosUpTo(data.size());
    packing.end();
    if (Status s = move(data); !s.ok()) return s;
    const Phase unpacking("unpack");
    for (const TensorRun& run : bucket.runs) {
      std::byte* const output = provide ? outcome.data[run.tensor] : tensors[run.tensor].output;
      float* const to = reinterpret_cast<float*>(output) + run.begin;
      form.widen(to, data.data() + run.offset, run.count, static_cast<float>(header.postscale));
      if (run.begin + run.count < counts[run.tensor]) continue;
      if (Status s = operation.takeOutput(run.tensor); !s.ok()) return s;
    }
  }
  return Status::okay();
}

}  // namespace tsring
