#include "engine/device_operation.h"

#include <algorithm>
#include <span>
#include <vector>

#include "engine/fusion_plan.h"
#include "engine/packing.h"
#include "engine/result_shapes.h"

namespace tsring {
namespace {

/// One operation on its way: what its steps need of it.
class DeviceOperation {
 public:
  DeviceOperation(DeviceBackend& backend, size_t fusionThresholdBytes, const Operation& operation, Outcome& outcome)
      : backend_(backend),
        fusionThresholdBytes_(fusionThresholdBytes),
        operation_(operation),
        header_(operation.request.header),
        outcome_(outcome) {}

  Status allreduce();
  Status broadcast(int root);
  Status allgather();
  Status reducescatter();
  Status alltoall();

 private:
  template <typename Move>
  Status throughBuckets(DType wire, bool copyIn, Move move);
  Status provide(const std::vector<size_t>& sizes);
  std::vector<size_t> sizesAs(DType dtype) const;
  std::byte* resultOf(size_t tensor) const {
    return outcome_.data.empty() ? operation_.tensors[tensor].output : outcome_.data[tensor];
  }

  DeviceBackend& backend_;
  const size_t fusionThresholdBytes_;
  const Operation& operation_;
  const RequestHeader& header_;
  Outcome& outcome_;
};

Status DeviceOperation::allreduce() {
  if (header_.payload == DType::kInt8) {
    return Status(StatusCode::kUnsupported, "compression 'int8' is not for values on GPUs; 'fp16' and 'bf16' are");
  }
  const DType wire = header_.compresses() ? header_.payload : header_.dtype;
  if (Status s = backend_.checkCombines(wire, header_.op); !s.ok()) return s;
  return throughBuckets(wire, true,
                        [&](std::span<std::byte> data) { return backend_.allreduce(data, wire, header_.op); });
}

Status DeviceOperation::broadcast(int root) {
  return throughBuckets(header_.dtype, static_cast<int>(backend_.index()) == root,
                        [&](std::span<std::byte> data) { return backend_.broadcast(data, root); });
}

/// A tensor that is alone in its bucket, and travels as it is, is moved where its result goes; others are packed. Each
/// bucket has a stream of its own, where there are several: one is packed or unpacked while others are on their way.
template <typename Move>
Status DeviceOperation::throughBuckets(DType wire, bool copyIn, Move move) {
  const auto& tensors = operation_.tensors;
  const bool given = std::ranges::any_of(tensors, [](const TensorBuffer& tensor) { return tensor.output != nullptr; });
  if (!given) {
    if (Status s = provide(sizesAs(header_.dtype)); !s.ok()) return s;
  }
  const std::vector<size_t> sizes = sizesAs(wire);
  const FusionPlan plan = planFusion(sizes, fusionThresholdBytes_);
  const auto packs = [&](const Bucket& bucket) {
    return bucket.endTensor - bucket.firstTensor > 1 || wire != header_.dtype;
  };
  size_t largest = 0;
  for (const Bucket& bucket : plan.buckets) largest = std::max(largest, packs(bucket) ? bucket.bytes : 0);
  for (const Bucket& bucket : plan.buckets) {
    backend_.nextStream();
    const auto buffer = packs(bucket) ? backend_.fusionBuffer(largest) : Result<std::byte*>(nullptr);
    if (!buffer.ok()) return buffer.status();
    std::vector<DeviceCopy> in;
    std::vector<DeviceCopy> out;
    for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
      std::byte* const place = packs(bucket) ? buffer.value() + (plan.offsets[i] - bucket.offset) : resultOf(i);
      const size_t count = sizes[i] / elementSize(wire);
      in.push_back({place, tensors[i].input, count});
      out.push_back({resultOf(i), place, count});
    }
    const size_t bytes = packs(bucket) ? bucket.bytes : sizes[bucket.firstTensor];
    if (copyIn) {
      if (Status s = backend_.copy(in, header_.dtype, wire, header_.prescale); !s.ok()) return s;
    }
    if (Status s = move(std::span(in.front().to, bytes)); !s.ok()) return s;
    if (Status s = backend_.copy(out, wire, header_.dtype, header_.postscale); !s.ok()) return s;
  }
  return Status::okay();
}

Status DeviceOperation::allgather() {
  const auto byRank = gather(operation_, outcome_.shapes);
  std::vector<size_t> sizes;
  for (const Shape& shape : outcome_.shapes) sizes.push_back(byteSize(operation_.request, shape));
  if (Status s = provide(sizes); !s.ok()) return s;
  for (size_t i = 0; i < sizes.size(); ++i) {
    std::vector<std::span<std::byte>> blocks;
    std::byte* at = resultOf(i);
    for (const size_t bytes : byRank[i]) {
      blocks.emplace_back(at, bytes);
      at += bytes;
    }
    const auto own = blocks[backend_.index()];
    backend_.nextStream();
    const DeviceCopy in[] = {{own.data(), operation_.tensors[i].input, own.size()}};
    if (Status s = backend_.copy(in, DType::kUint8, DType::kUint8, 1); !s.ok()) return s;
    if (Status s = backend_.allgather(blocks); !s.ok()) return s;
  }
  return Status::okay();
}

Status DeviceOperation::reducescatter() {
  if (Status s = backend_.checkCombines(header_.dtype, header_.op); !s.ok()) return s;
  const size_t ranks = backend_.size();
  const size_t own = backend_.index();
  const Request& request = operation_.request;
  std::vector<size_t> kept;
  for (size_t i = 0; i < request.shapes.size(); ++i) {
    kept.push_back(keptRows(request, i, ranks, own).size());
    outcome_.shapes[i][0] = static_cast<int64_t>(chunk(static_cast<size_t>(request.shapes[i][0]), ranks, own).size());
  }
  if (Status s = provide(kept); !s.ok()) return s;
  const std::vector<size_t> sizes = sizesAs(header_.dtype);
  const size_t elementBytes = elementSize(header_.dtype);
  for (size_t i = 0; i < sizes.size(); ++i) {
    backend_.nextStream();
    const auto buffer = backend_.fusionBuffer(std::ranges::max(sizes));
    if (!buffer.ok()) return buffer.status();
    const DeviceCopy in[] = {{buffer.value(), operation_.tensors[i].input, sizes[i] / elementBytes}};
    if (Status s = backend_.copy(in, header_.dtype, header_.dtype, header_.prescale); !s.ok()) return s;
    std::vector<std::span<std::byte>> blocks;
    for (size_t rank = 0; rank < ranks; ++rank) {
      const Range rows = keptRows(request, i, ranks, rank);
      blocks.emplace_back(buffer.value() + rows.begin, rows.size());
    }
    if (Status s = backend_.reducescatter(blocks, header_.dtype, header_.op); !s.ok()) return s;
    const DeviceCopy out[] = {{resultOf(i), blocks[own].data(), kept[i] / elementBytes}};
    if (Status s = backend_.copy(out, header_.dtype, header_.dtype, header_.postscale); !s.ok()) return s;
  }
  return Status::okay();
}

Status DeviceOperation::alltoall() {
  const auto sizes = exchange(operation_, backend_.size(), backend_.index(), outcome_.shapes, outcome_.splits);
  if (!sizes.ok()) return sizes.status();
  const size_t bytes = byteSize(operation_.request, outcome_.shapes.front());
  if (Status s = provide({bytes}); !s.ok()) return s;
  const std::span from(operation_.tensors.front().input, sizesAs(header_.dtype).front());
  backend_.nextStream();
  return backend_.alltoall(from, {resultOf(0), bytes}, sizes.value());
}

/// Memory for results of these sizes.
Status DeviceOperation::provide(const std::vector<size_t>& sizes) {
  const FusionPlan plan = planFusion(sizes, fusionThresholdBytes_);
  auto memory = backend_.allocate(plan.bytes);
  if (!memory.ok()) return memory.status();
  outcome_.deviceMemory = std::move(memory).value();
  for (const size_t offset : plan.offsets) outcome_.data.push_back(outcome_.deviceMemory.get() + offset);
  return Status::okay();
}

std::vector<size_t> DeviceOperation::sizesAs(DType dtype) const {
  std::vector<size_t> sizes;
  for (const Shape& shape : operation_.request.shapes) sizes.push_back(elementCount(shape) * elementSize(dtype));
  return sizes;
}

}  // namespace

Result<std::unique_ptr<DeviceWork>> deviceOperation(DeviceBackend& backend, const Members& members,
                                                    size_t fusionThresholdBytes, const Operation& operation,
                                                    Outcome& outcome) {
  if (Status s = backend.prepare(); !s.ok()) return s;
  DeviceOperation steps(backend, fusionThresholdBytes, operation, outcome);
  const auto carryOut = [&] {
    switch (operation.request.header.kind) {
      case OperationKind::kAllreduce:
        return steps.allreduce();
      case OperationKind::kAllgather:
        return steps.allgather();
      case OperationKind::kBroadcast:
        return steps.broadcast(*members.placeOf(operation.request.header.rootRank));
      case OperationKind::kReducescatter:
        return steps.reducescatter();
      case OperationKind::kAlltoall:
        return steps.alltoall();
      case OperationKind::kBarrier:
      case OperationKind::kJoin:
      case OperationKind::kRetune:
        break;
    }
    return Status::okay();  // no data to move
  };
  if (Status s = carryOut(); !s.ok()) return s;
  return backend.queued();
}

}  // namespace tsring
