#pragma once

#include "engine/means.h"
#include "engine/pending_table.h"

namespace tsring {

/// Brings each rank's rows of a tensor together, one below the other in the order of the ranks; a scalar counts as one
/// row. Fills in `outcome` but for its status. Small tensors of a group travel together, whatever one rank brings side
/// by side:
///
///     x0 y0 | x1 y1 | x2 y2     ->     x0 x1 x2     y0 y1 y2          a letter a tensor, a number a rank
Status allgather(const Means& means, const Operation& operation, Outcome& outcome);

}  // namespace tsring
