#include "engine/staged_operation.h"

#include <algorithm>
#include <span>

#include "engine/fusion_plan.h"
#include "engine/packing.h"
#include "engine/staging.h"

namespace tsring {
namespace {

/// The tensors in main memory, end to end; the results take their places.
class StagedTensors final : public Staging {
 public:
  StagedTensors(DeviceCopies& copies, const Operation& operation, const std::vector<size_t>& sizes,
                const FusionPlan& plan)
      : copies_(copies), operation_(operation) {
    for (size_t i = 0; i < sizes.size(); ++i) places_.push_back(copies.memory().subspan(plan.offsets[i], sizes[i]));
  }

  Operation inMainMemory() {
    Operation staged = operation_;
    staged.request.header.memory = MemoryKind::kHost;
    staged.staging = this;
    for (size_t i = 0; i < places_.size(); ++i) staged.tensors[i] = {places_[i].data(), places_[i].data()};
    return staged;
  }

  Status fetchAll() {
    size_t begun = 0;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (Status s = copies_.fetch(places_[i], operation_.tensors[i].input); !s.ok()) return s;
      begun += places_[i].size();
      fetchedWith_.push_back(begun);
    }
    return Status::okay();
  }

  Status awaitInput(size_t index) override { return copies_.awaitFetched(fetchedWith_[index]); }
  Status takeOutput(size_t index) override { return copies_.store(operation_.tensors[index].output, places_[index]); }

 private:
  DeviceCopies& copies_;
  const Operation& operation_;
  std::vector<std::span<std::byte>> places_;
  std::vector<size_t> fetchedWith_;  // how many bytes have been fetched once a tensor is there
};

Outcome failedWith(const Status& status) {
  return {status, {}, {}, nullptr};
}

}  // namespace

Outcome stagedOperation(DeviceBackend& device, const Operation& operation, bool reads,
                        const std::function<Outcome(const Operation&)>& inMainMemory) {
  const auto isThere = [](const TensorBuffer& tensor) { return tensor.output != nullptr; };
  if (std::ranges::none_of(operation.tensors, isThere)) {
    Operation standsIn = operation;
    standsIn.request.header.memory = MemoryKind::kHost;
    return inMainMemory(standsIn);
  }
  std::vector<size_t> sizes;
  for (const Shape& shape : operation.request.shapes) sizes.push_back(byteSize(operation.request, shape));
  const FusionPlan plan = planFusion(sizes, 0);
  const auto copies = device.copies(plan.bytes);
  if (!copies.ok()) return failedWith(copies.status());
  StagedTensors tensors(*copies.value(), operation, sizes, plan);
  if (reads) {
    if (const Status fetched = tensors.fetchAll(); !fetched.ok()) return failedWith(fetched);
  }
  Outcome outcome = inMainMemory(tensors.inMainMemory());
  if (outcome.status.ok()) outcome.status = copies.value()->finish();
  return outcome.status.ok() ? outcome : failedWith(outcome.status);
}

}  // namespace tsring
