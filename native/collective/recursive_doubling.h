#pragma once

#include <chrono>
#include <span>

#include "collective/ring.h"
#include "collective/team.h"

namespace tsring {

/// Allreduce in place in the fewest steps, for small data (Thakur, Rabenseifner, Gropp, IJHPCA 19, 2005). In step k
/// each rank swaps everything that it has with the rank 2^k seats away, and both combine the two. What a rank has then
/// comes from twice as many ranks as before, so that log2(n) steps are enough; a ring needs 2(n-1). All of the data go
/// in each step: for large data that costs more than the steps save.
///
///     seat      0     1     2     3
///     step 0    0+1   0+1   2+3   2+3
///     step 1    0+1+2+3 everywhere
///
/// Both of a pair put the lower seat's elements on the left of the operator, so the same expression is computed
/// everywhere: (0+1)+(2+3), the same bits on every rank and in every run. Any n goes (see Fold), with two steps more
/// unless it is a power of two. Nothing is allocated.
Status recursiveDoublingAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype, ReduceOp op,
                                  RingWorkspace& workspace, std::chrono::milliseconds stallLimit);

}  // namespace tsring
