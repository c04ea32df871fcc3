#pragma once

#include "tensorflow/tensorflow_api.h"

namespace tsring {

/// TsringReduceAndUpdate(ticket: int32, update: int32[3], factors: float[k], tensors: N * float) -> outs: M * float,
/// seconds: float. A TsringUpdate (tensorflow/update_kernel.h) by gradients that are reduced meanwhile: each piece of
/// them is used while it is in a near cache, and none is ever whole in memory. The ticket is that of their allreduce,
/// in their order. Blocks until it is settled, and fails as it does; slots that lie where they did may then be of this
/// step in part, which the message says where it is so. Uses one thread; `seconds` of its time went into the update.
void computeReduceAndUpdate(void* kernel, TF_OpKernelContext* context);

}  // namespace tsring
