#include "engine/finite_check.h"

#include "kernel/finite.h"

namespace tsring {
namespace {

std::string nameOf(const RequestHeader& header, size_t tensor, size_t tensors) {
  if (tensor < header.labels.size())
    return std::string("\"").append(header.labels[tensor]).append("\" (").append(describe(header)).append(")");
  if (tensors == 1) return describe(header);
  return "tensor " + std::to_string(tensor) + " of " + describe(header);
}

}  // namespace

Status checkFinite(const RequestHeader& header, const std::vector<Shape>& shapes,
                   const std::vector<TensorBuffer>& tensors) {
  const bool adds = header.op == ReduceOp::kSum || header.op == ReduceOp::kAverage;
  if (header.kind != OperationKind::kAllreduce || !adds || header.onDevice()) return Status::okay();
  for (size_t i = 0; i < tensors.size(); ++i) {
    const size_t count = elementCount(shapes[i]);
    const size_t at = firstNonFinite(header.dtype, tensors[i].input, count);
    if (at == count) continue;
    return Status(StatusCode::kNotFinite, nameOf(header, i, tensors.size()) + " has a NaN or an infinity at element " +
                                              std::to_string(at) + " of " + std::to_string(count));
  }
  return Status::okay();
}

}  // namespace tsring
