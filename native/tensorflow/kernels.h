#pragma once

#include "tensorflow/tensorflow_api.h"

namespace tsring {

/// TsringStart(ticket: int32 scalar, tensors: N * T) -> started: int32 scalar, the ticket. Hands the tensors' memory to
/// the engine and returns at once; they are kept alive until the finish. A failure ends the ticket.
void computeStart(void* kernel, TF_OpKernelContext* context);

/// TsringFinish(ticket: int32 scalar) -> outs: N * T. Blocks until the ticket's work is done and hands the results out
/// where the engine has them. Ends the ticket.
void computeFinish(void* kernel, TF_OpKernelContext* context);

}  // namespace tsring
