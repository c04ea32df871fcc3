#pragma once

#include <memory>
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

/// TensorFlow's memory for output `index`. It keeps what tensors give up for others, so that a step's arrays cost no
/// fresh pages, and memory of ours would only add to what it keeps.
Result<float*> allocateFloats(TF_OpKernelContext* context, size_t index, const Shape& shape);

}  // namespace tsring
