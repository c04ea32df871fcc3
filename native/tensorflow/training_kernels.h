#pragma once

#include "tensorflow/tensorflow_api.h"

namespace tsring {

// Operations that need no ring: what a training step of tfjs spends its time on beside convolutions, in one pass each.
// Both take float32 alone. Wrong sizes become a TensorFlow status.

/// TsringUpdate(update: int32[3], factors: float[k], tensors: N * float) -> outs: M * float. An optimizer's step on
/// several variables at once. `update` is a number of Update (kernel/update.h), how many threads may work at it, and
/// whether the new slots lie where the old ones do: who says so owns these, and nobody reads them afterwards. Tensors:
/// the variables, their gradients, their first slots, and so on; outs: the new variables, then slots.
void computeUpdate(void* kernel, TF_OpKernelContext* context);

/// TsringMaxPoolGradient(window: int32[7], tensors: N * float) -> outs: M * float. N is 3: a pooling's input, its
/// output and the output's gradient, all [batch, height, width, channels]; M is 1: the input's gradient. `window` is
/// height, width, strides of both, padding at the top and at the left, and how many threads may work at it.
void computeMaxPoolGradient(void* kernel, TF_OpKernelContext* context);

}  // namespace tsring
