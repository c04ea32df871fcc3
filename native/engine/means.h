#pragma once

#include <cstddef>

#include "collective/backend.h"
#include "engine/block_pool.h"

namespace tsring {

/// What operations are carried out with. The data thread's, or that of the rank's blocking calls.
struct Means {
  CollectiveBackend& backend;
  BlockPool& pool;
  size_t fusionThresholdBytes;
};

}  // namespace tsring
