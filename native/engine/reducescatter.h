#pragma once

#include "engine/means.h"
#include "engine/pending_table.h"

namespace tsring {

/// Combines all ranks' tensors and leaves each rank its share of the rows: of `rows` rows rank r gets chunk r of n
/// (collective/chunk.h), so the first ranks get one more where they do not come out even. Fills in `outcome` but for
/// its status. Small tensors of a group travel together, whatever there is for one rank side by side:
///
///     x0 x1 x2     y0 y1 y2     ->     x0 y0 | x1 y1 | x2 y2          a letter a tensor, a number a rank
Status reducescatter(const Means& means, const Operation& operation, Outcome& outcome);

}  // namespace tsring
