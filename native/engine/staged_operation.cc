#include "engine/staged_operation.h"

#include <span>

#include "engine/fusion_plan.h"
#include "engine/packing.h"

namespace tsring {

// In place: the results take the place of the copies.
Outcome stagedOperation(DeviceBackend& device, BlockPool& pool, const Operation& operation,
                        const std::function<Outcome(const Operation&)>& inMainMemory) {
  Operation staged = operation;
  staged.request.header.memory = MemoryKind::kHost;
  std::vector<size_t> sizes;
  for (const Shape& shape : operation.request.shapes) sizes.push_back(byteSize(operation.request, shape));
  const FusionPlan plan = planFusion(sizes, 0);
  const std::shared_ptr<Block> memory = pool.take(plan.bytes);
  const auto copyOf = [&](size_t i) { return std::span(memory->data() + plan.offsets[i], sizes[i]); };
  for (size_t i = 0; i < sizes.size(); ++i) {
    const TensorBuffer& tensor = operation.tensors[i];
    if (!tensor.input) continue;
    const Status fetched = device.fetch(copyOf(i), {tensor.input, sizes[i]});
    if (!fetched.ok()) return {fetched, {}, {}, nullptr};
    staged.tensors[i] = {.input = copyOf(i).data(), .output = copyOf(i).data()};
  }
  Outcome outcome = inMainMemory(staged);
  if (!outcome.status.ok()) return outcome;
  for (size_t i = 0; i < sizes.size(); ++i) {
    std::byte* const output = operation.tensors[i].output;
    if (!output) continue;
    const Status stored = device.store({output, sizes[i]}, copyOf(i));
    if (!stored.ok()) return {stored, {}, {}, nullptr};
  }
  return outcome;
}

}  // namespace tsring
