#include "engine/check_request.h"

#include <algorithm>
#include <cmath>

#include "transport/tcp/frame_hub.h"

namespace tsring {
namespace {

// These keep the frame of a request within bounds.
constexpr size_t kMaxTensors = 1 << 14;
constexpr size_t kMaxNameBytes = 1 << 16;
static_assert(kMaxTensors * (1 + 8 * kMaxDimensions) + kMaxNameBytes + 64 <= FrameHub::kMaxPayloadBytes);

Status invalid(const RequestHeader& header, const std::string& text) {
  return Status(StatusCode::kInvalidArgument, describe(header) + ": " + text);
}

Status checkReduction(const RequestHeader& header, const std::vector<Shape>& shapes) {
  const bool scatters = header.kind == OperationKind::kReducescatter;
  if (header.op == ReduceOp::kAverage && header.dtype == DType::kBool) {
    return invalid(header, "bool has no average; use max for 'any' or min for 'all'");
  }
  if (header.op == ReduceOp::kAdasum && (scatters || !isFloat(header.dtype))) {
    return invalid(header, "adasum is for an allreduce of floats");
  }
  if (!std::isfinite(header.prescale) || !std::isfinite(header.postscale)) {
    return invalid(header, "a factor to scale by must be finite");
  }
  if (header.dtype == DType::kBool && (header.prescale != 1 || header.postscale != 1)) {
    return invalid(header, "bool cannot be scaled");
  }
  if (scatters && std::ranges::any_of(shapes, [](const Shape& shape) { return shape.empty(); })) {
    return invalid(header, "a scalar has no first dimension");
  }
  return Status::okay();
}

Status checkSplits(const RequestHeader& header, const std::vector<Shape>& shapes, int size) {
  if (shapes.size() != 1 || shapes.front().empty()) return invalid(header, "one tensor with a first dimension goes");
  if (header.splits.size() != static_cast<size_t>(size)) {
    return invalid(header, std::to_string(header.splits.size()) + " splits for " + std::to_string(size) + " ranks");
  }
  int64_t rows = 0;
  for (const int64_t split : header.splits) {
    if (split < 0 || split > shapes.front()[0] - rows) {
      return invalid(header, "the splits are not whole numbers that add up to " + std::to_string(shapes.front()[0]));
    }
    rows += split;
  }
  if (rows == shapes.front()[0]) return Status::okay();
  return invalid(header, "the splits add up to " + std::to_string(rows) + ", the tensor has " +
                             std::to_string(shapes.front()[0]) + " rows");
}

/// Of results that are taken.
Status checkTakers(const RequestHeader& header, const std::vector<TensorBuffer>& tensors) {
  const auto takes = [](const TensorBuffer& tensor) { return tensor.take != nullptr; };
  if (std::ranges::none_of(tensors, takes)) return Status::okay();
  const bool plain = header.kind == OperationKind::kAllreduce && !header.compresses() && !header.onDevice();
  const bool alike = std::ranges::all_of(tensors, [&](const auto& tensor) { return takes(tensor) && !tensor.output; });
  if (plain && alike) return Status::okay();
  return invalid(header, "results are taken of an allreduce in main memory that travels as it is, of all tensors");
}

}  // namespace

Status checkRequest(const RequestHeader& header, const std::vector<Shape>& shapes,
                    const std::vector<TensorBuffer>& tensors, const Members& members) {
  if (shapes.size() != tensors.size()) return invalid(header, "as many shapes as tensors are needed");
  if (shapes.size() > kMaxTensors) {
    return invalid(header, std::to_string(shapes.size()) + " tensors in one group; at most " +
                               std::to_string(kMaxTensors) + " go");
  }
  if (header.name.size() > kMaxNameBytes) {
    return Status(StatusCode::kInvalidArgument, "a name has " + std::to_string(header.name.size()) +
                                                    " bytes; at most " + std::to_string(kMaxNameBytes) + " go");
  }
  for (const Shape& shape : shapes) {
    if (shape.size() > kMaxDimensions || std::ranges::any_of(shape, [](int64_t extent) { return extent < 0; })) {
      return invalid(header, "no tensor has the shape " + describe(shape));
    }
  }
  if (header.kind == OperationKind::kBroadcast && !members.placeOf(header.rootRank)) {
    return invalid(header, "root rank " + std::to_string(header.rootRank) + " is not one of " + members.list());
  }
  const bool moves = header.kind == OperationKind::kAllreduce || header.kind == OperationKind::kBroadcast;
  if (header.mayGoByHost() && !(moves && std::ranges::all_of(tensors, [](const TensorBuffer& tensor) {
                                  return (tensor.input == nullptr) == (tensor.output == nullptr);
                                }))) {
    return invalid(header, "tensors that may go by host are those of an allreduce or a broadcast with outputs");
  }
  const bool half = isHalf(header.payload);
  const bool sums = header.op == ReduceOp::kSum || header.op == ReduceOp::kAverage;
  const bool goes = half ? header.op != ReduceOp::kAdasum : header.payload == DType::kInt8 && sums;
  if (header.compresses() && !(goes && header.kind == OperationKind::kAllreduce && header.dtype == DType::kFloat32)) {
    return invalid(header, std::string(dtypeName(header.dtype)) + " cannot travel as " +
                               std::string(dtypeName(header.payload)) +
                               "; an allreduce of float32, but for adasum, can as a 16-bit float, and a sum or average "
                               "as int8");
  }
  if (header.kind == OperationKind::kRetune && shapes.size() != 1) return invalid(header, "one record goes");
  if (Status s = checkTakers(header, tensors); !s.ok()) return s;
  if (reduces(header.kind)) return checkReduction(header, shapes);
  if (header.kind == OperationKind::kAlltoall) return checkSplits(header, shapes, members.size());
  return Status::okay();
}

}  // namespace tsring
