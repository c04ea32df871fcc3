#pragma once

#include <functional>

#include "collective/device_backend.h"
#include "engine/pending_table.h"

namespace tsring {

/// Carries out an operation whose tensors and results are on a GPU in main memory: has `inMainMemory` done with copies
/// of the tensors, while others are on their way there or back. Tensors are not copied there where they are not read
/// (`reads`). A rank that only stands in has nothing to copy.
Outcome stagedOperation(DeviceBackend& device, const Operation& operation, bool reads,
                        const std::function<Outcome(const Operation&)>& inMainMemory);

}  // namespace tsring
