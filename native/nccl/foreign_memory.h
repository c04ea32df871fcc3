#pragma once

#include <cstddef>
#include <memory>

#include "base/status.h"
#include "nccl/cuda_device.h"

// GPU memory that someone else in this process allocates and works on, by streams that we do not know.
namespace tsring {

/// This process's GPU of that number. Fails with kUnsupported where there is none, or kInternal.
Result<std::shared_ptr<CudaDevice>> openGpu(int number);

/// Whether `address` is in the memory of `device`; otherwise kUnsupported, which says where it is.
Status checkIsOn(const CudaDevice& device, const void* address);

/// Blocks until all that was queued on the GPU by anyone in this process is done. Like every wait of the driver's it
/// has no deadline: whoever queued what does not end hangs by it too. kInternal where the GPU has failed.
Status awaitEveryone(const CudaDevice& device);

}  // namespace tsring
