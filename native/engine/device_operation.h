#pragma once

#include "collective/device_backend.h"
#include "engine/members.h"
#include "engine/pending_table.h"

namespace tsring {

/// Queues an operation on the memory of GPUs, from the first copy to the last; results that have no memory of the
/// caller's get some of the GPU's, and count once the work is done. Fails with kUnsupported, on all ranks alike and
/// with the ring as it was, where a rank cannot take part or GPUs cannot combine such elements; otherwise as
/// DeviceBackend::finish.
Result<std::unique_ptr<DeviceWork>> deviceOperation(DeviceBackend& backend, const Members& members,
                                                    size_t fusionThresholdBytes, const Operation& operation,
                                                    Outcome& outcome);

}  // namespace tsring
