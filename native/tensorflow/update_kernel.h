#pragma once

#include "tensorflow/tensorflow_api.h"

namespace tsring {

/// TsringUpdate(update: int32[3], factors: float[k], tensors: N * float) -> outs: M * float. An optimizer's step on
/// several variables at once, in one pass. `update` is a number of Update (kernel/update.h), how many threads may work
/// at it, and whether the new slots lie where the old ones do: who says so owns these, and nobody reads them
/// afterwards. Tensors: the variables, their gradients, their first slots, and so on; outs: the new variables, then
/// slots. float32 alone; wrong sizes become a TensorFlow status.
void computeUpdate(void* kernel, TF_OpKernelContext* context);

}  // namespace tsring
