#pragma once

#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "engine/block_pool.h"
#include "engine/request.h"
#include "tensorflow/tensorflow_api.h"

namespace tsring {

/// Makes a failure the kernel's result: a TensorFlow status whose message is `tsring:RING_PEER_LOST:` and the sentence,
/// for lib/tensors to read. Nothing for success.
void report(TF_OpKernelContext* context, const Status& status);

Result<TensorReference> inputAt(TF_OpKernelContext* context, int index);
Status setOutput(TF_OpKernelContext* context, int index, const TensorReference& tensor);

Shape shapeOf(const TF_Tensor* tensor);
TF_DataType tensorflowType(DType dtype);

/// A tensor that lies in `memory` and keeps it as long as it is used. `data` is 64-byte aligned, or TensorFlow would
/// copy.
TensorReference tensorOver(std::shared_ptr<Block> memory, std::byte* data, const Shape& shape, DType dtype);

/// Inputs of a kernel for float32 alone.
struct FloatTensors {
  std::vector<TensorReference> references;
  std::vector<Shape> shapes;
  std::vector<float*> data;  // TensorFlow's memory, in which other tensors may lie as well
};

/// Those from input `first` on. Fails with kInvalidArgument where one has another type.
Result<FloatTensors> floatsFrom(TF_OpKernelContext* context, int first);

/// TensorFlow's memory for output `index`, of float32. It keeps what tensors give up for others, so that a step's
/// arrays cost no fresh pages, and memory of ours would only add to what it keeps.
Result<TensorReference> allocateOutput(TF_OpKernelContext* context, size_t index, const Shape& shape);
/// Where it is.
Result<float*> allocateFloats(TF_OpKernelContext* context, size_t index, const Shape& shape);

Status invalidInput(const std::string& what);

/// Input `index`, which has to be `count` int32 or float32; `keeper` keeps them.
template <typename T>
Result<std::span<const T>> vectorAt(TF_OpKernelContext* context, int index, size_t count, TensorReference& keeper) {
  Result<TensorReference> input = inputAt(context, index);
  if (!input.ok()) return input.status();
  keeper = std::move(input).value();
  const TF_Tensor* tensor = keeper.get();
  constexpr TF_DataType kType = std::is_same_v<T, float> ? TF_FLOAT : TF_INT32;
  if (tensorflowApi().TensorType(tensor) != kType || elementCount(shapeOf(tensor)) != count) {
    return invalidInput("input " + std::to_string(index) + " does not have " + std::to_string(count) +
                        " numbers of its type");
  }
  return std::span(static_cast<const T*>(tensorflowApi().TensorData(tensor)), count);
}

}  // namespace tsring
