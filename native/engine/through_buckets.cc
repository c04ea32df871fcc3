#include "engine/through_buckets.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/phase.h"
#include "engine/fusion_plan.h"
#include "engine/packing.h"

namespace tsring {
namespace {

class ThroughBuckets {
 public:
  ThroughBuckets(const Means& means, const Operation& operation, Outcome& outcome, const BucketMover& mover)
      : means_(means), operation_(operation), outcome_(outcome), mover_(mover) {
    for (const Shape& shape : operation.request.shapes) sizes_.push_back(byteSize(operation.request, shape));
    plan_ = planFusion(sizes_, means.fusionThresholdBytes);
  }

  Status run() {
    // Asked of all: an empty tensor has no address, also where the caller brings the memory.
    taken_ = std::ranges::any_of(tensors(), [](const TensorBuffer& tensor) { return tensor.take != nullptr; });
    provides_ =
        !taken_ && std::ranges::none_of(tensors(), [](const TensorBuffer& tensor) { return tensor.output != nullptr; });
    if (provides_) {
      outcome_.memory = means_.pool.take(plan_.bytes);
      for (const size_t offset : plan_.offsets) outcome_.data.push_back(outcome_.memory->data() + offset);
    }
    for (const Bucket& bucket : plan_.buckets) {
      const auto moved = moveApart(bucket);
      if (Status s = moved ? *moved : moveEndToEnd(bucket); !s.ok()) return s;
    }
    return Status::okay();
  }

 private:
  const std::vector<TensorBuffer>& tensors() const { return operation_.tensors; }
  std::byte* outputOf(size_t tensor) const { return provides_ ? outcome_.data[tensor] : tensors()[tensor].output; }
  bool alone(const Bucket& bucket) const { return bucket.endTensor - bucket.firstTensor == 1; }
  /// Ranks must move equally much, also where one brings the memory and another does not.
  size_t bytesOf(const Bucket& bucket) const { return alone(bucket) ? sizes_[bucket.firstTensor] : bucket.bytes; }

  /// Nothing where the bucket's tensors must lie end to end. Ranks decide that each for itself.
  std::optional<Status> moveApart(const Bucket& bucket) {
    const RequestHeader& header = operation_.request.header;
    if (!mover_.apart || !means_.backend.takesStrips()) return {};
    if (operation_.staging || header.prescale != 1 || header.postscale != 1) return {};
    std::vector<Strip> strips;
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
      if (sizes_[i] == 0) continue;
      if (!tensors()[i].input) return {};  // of a rank that has joined
      const TakeResults* const take = taken_ ? &tensors()[i].take : nullptr;
      strips.push_back({plan_.offsets[i] - bucket.offset, sizes_[i], tensors()[i].input, outputOf(i), take});
    }
    // Callers may hand in views of one array.
    if (!provides_ && !taken_ && !lieApart(strips)) return {};
    return mover_.apart(Strips(strips, bytesOf(bucket)));
  }

  Status moveEndToEnd(const Bucket& bucket) {
    const RequestHeader& header = operation_.request.header;
    const size_t bytes = bytesOf(bucket);
    std::shared_ptr<Block> fused;
    std::span<std::byte> data;
    if (provides_ || (alone(bucket) && !taken_)) {
      data = {outputOf(bucket.firstTensor), bytes};
    } else {
      fused = means_.pool.take(bytes);
      data = {fused->data(), bytes};
    }
    const auto placeOf = [&](size_t i) { return data.data() + (plan_.offsets[i] - bucket.offset); };
    Phase phase("pack");
    std::vector<Range> places;  // elements
    const size_t element = elementSize(header.dtype);
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
      const auto begin = static_cast<size_t>(placeOf(i) - data.data());
      places.push_back({begin / element, (begin + sizes_[i]) / element});
      if (!mover_.readsInputs) continue;
      if (Status s = operation_.awaitInput(i); !s.ok()) return s;
      copyScaled(header.dtype, placeOf(i), tensors()[i].input, sizes_[i], header.prescale);
    }
    phase.end();
    if (Status s = mover_.endToEnd(data, places); !s.ok()) return s;
    const Phase unpacking("unpack");
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
      copyScaled(header.dtype, taken_ ? placeOf(i) : outputOf(i), placeOf(i), sizes_[i], header.postscale);
      if (taken_) tensors()[i].take(0, {placeOf(i), sizes_[i]});
      if (Status s = operation_.takeOutput(i); !s.ok()) return s;
    }
    return Status::okay();
  }

  const Means& means_;
  const Operation& operation_;
  Outcome& outcome_;
  const BucketMover& mover_;
  std::vector<size_t> sizes_;
  FusionPlan plan_;
  bool provides_ = false;
  bool taken_ = false;
};

}  // namespace

Status throughBuckets(const Means& means, const Operation& operation, Outcome& outcome, const BucketMover& mover) {
  return ThroughBuckets(means, operation, outcome, mover).run();
}

}  // namespace tsring
