#pragma once

#include "tensorflow/tensorflow_api.h"

// For tensors in the memory of a GPU, which the engine reads and writes where TensorFlow has them. TensorFlow's stream
// is out of reach of its plain C API (TF_GetStream serves pluggable devices alone), so all that it has queued is waited
// for before the engine is told; the engine's own work is done when an operation ends.
namespace tsring {

/// TsringStartOnGpu(ticket: int32 scalar, tensors: N * float) -> started: int32 scalar, the ticket. As TsringStart, of
/// an operation that may go by host; the results get memory of TensorFlow's. kUnsupported where a tensor is not on this
/// rank's GPU.
void computeStartOnGpu(void* kernel, TF_OpKernelContext* context);

/// TsringFinishOnGpu(ticket: int32 scalar) -> outs: N * float. As TsringFinish.
void computeFinishOnGpu(void* kernel, TF_OpKernelContext* context);

/// TsringProbe(device: int32 scalar, values: float, expected: float) -> negated: float. Whether all of the above can
/// be: kUnsupported and the reason unless `values` and a result are in the memory of GPU `device`, and what the driver
/// reads there is `expected`, which TensorFlow has brought to main memory. The result is written by the driver.
void computeProbe(void* kernel, TF_OpKernelContext* context);

}  // namespace tsring
