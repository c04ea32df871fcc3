#pragma once

#include <chrono>
#include <span>

#include "collective/ring.h"
#include "collective/team.h"

namespace tsring {

/// Allreduce in place with few steps and few bytes, for data of middle size (Rabenseifner 2004; Thakur, Rabenseifner,
/// Gropp, IJHPCA 19, 2005). First the work is halved: in step k a rank and the one 2^k seats away cut what both are
/// still in charge of in two, each sends the half that it gives up and combines what comes into the half that it keeps.
/// After log2(n) steps each rank has the result of its share, 1/n of the data. Then the same steps are walked back, and
/// in each the two swap the results they have, until both have twice as much.
///
///     seat            0      1      2      3
///     has            abcd   abcd   abcd   abcd
///     1 seat away    ab..   ..cd   ab..   ..cd      each combined from two
///     2 seats away   a...   ..c.   .b..   ...d      each combined from four
///     and back       ab..   ..cd   ab..   ..cd      then abcd everywhere
///
/// The largest halves go to the nearest seats, which are often on the same host. As many bytes move as in a ring, in
/// 2 log2(n) steps instead of 2(n-1); but each step waits for the one before, so for large data the ring, whose steps
/// flow into each other, does as well or better, and where n is no power of two the fold costs one more trip of all
/// data. Each element is combined on one rank only, lower seats on the left: the same bits everywhere and in every run.
Status halvingDoublingAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype, ReduceOp op,
                                RingWorkspace& workspace, std::chrono::milliseconds stallLimit);

}  // namespace tsring
