#pragma once

#include "base/status.h"

namespace tsring {

/// Registers TsringStart and TsringFinish (see kernels.h) in the TensorFlow that this process has loaded; a second call
/// finds them done. Fails with kUnsupported where there is none or it is too old, kInternal when it refuses. Any
/// thread.
Status registerTensorflowOps();

}  // namespace tsring
