#pragma once

#include <memory>

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

}  // namespace tsring
