#pragma once

#include "engine/means.h"
#include "engine/pending_table.h"

namespace tsring {

/// Gives each rank its rows of our tensor, as many as our splits say, and gets ours of everyone's, in the order of the
/// ranks. Fills in `outcome` but for its status.
Status alltoall(const Means& means, const Operation& operation, Outcome& outcome);

}  // namespace tsring
