#include "engine/compressed_allreduce.h"

#include "engine/narrowed_allreduce.h"
#include "kernel/half.h"

namespace tsring {

Status compressedAllreduce(const Means& means, const Operation& operation, Outcome& outcome) {
  const RequestHeader& header = operation.request.header;
  const HalfKernels& half = halfKernels(header.payload);
  const NarrowForm form{{1, elementSize(header.payload), kTensorAlignment}, half.narrow, half.widen};
  return narrowedAllreduce(means, means.fusionThresholdBytes, form, operation, outcome, [&](std::span<std::byte> data) {
    return means.backend.allreduce(data, header.payload, header.op);
  });
}

}  // namespace tsring
