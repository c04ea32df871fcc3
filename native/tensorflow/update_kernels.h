#pragma once

#include "tensorflow/tensorflow_api.h"

namespace tsring {

// An optimizer's step on several variables at once, in one pass. float32 alone; wrong sizes become a TensorFlow status.

/// TsringUpdate(update: int32[3], factors: float[k], tensors: N * float) -> outs: M * float. `update` is a number of
/// Update (kernel/update.h), how many threads may work at it, and whether the new slots lie where the old ones do: who
/// says so owns these, and nobody reads them afterwards. Tensors: the variables, their gradients, their first slots,
/// and so on; outs: the new variables, then slots.
void computeUpdate(void* kernel, TF_OpKernelContext* context);

/// TsringReduceAndUpdate(ticket: int32, update: int32[3], factors: float[k], tensors: N * float) -> outs: M * float,
/// seconds: float. The same by gradients that are reduced meanwhile: each piece of them is used while it is in a near
/// cache, and none is ever whole in memory. The ticket is that of their allreduce, in their order. Blocks until it is
/// settled, and fails as it does; slots that lie where they did may then be of this step in part. Uses one thread;
/// `seconds` of its time went into the update.
void computeReduceAndUpdate(void* kernel, TF_OpKernelContext* context);

}  // namespace tsring
