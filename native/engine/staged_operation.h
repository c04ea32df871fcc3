#pragma once

#include <functional>

#include "collective/device_backend.h"
#include "engine/block_pool.h"
#include "engine/pending_table.h"

namespace tsring {

/// Carries out an operation whose tensors and results are on a GPU in main memory: copies the tensors there, has
/// `inMainMemory` done with the copies, and copies the results back. A rank that only stands in has nothing to copy.
Outcome stagedOperation(DeviceBackend& device, BlockPool& pool, const Operation& operation,
                        const std::function<Outcome(const Operation&)>& inMainMemory);

}  // namespace tsring
