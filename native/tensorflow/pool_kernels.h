#pragma once

#include "tensorflow/tensorflow_api.h"

namespace tsring {

/// TsringMaxPoolGradient(window: int32[7], tensors: N * float) -> outs: M * float. N is 3: a pooling's input, its
/// output and the output's gradient, all [batch, height, width, channels]; M is 1: the input's gradient. `window` is
/// height, width, strides of both, padding at the top and at the left, and how many threads may work at it. float32
/// alone; wrong sizes become a TensorFlow status.
void computeMaxPoolGradient(void* kernel, TF_OpKernelContext* context);

}  // namespace tsring
