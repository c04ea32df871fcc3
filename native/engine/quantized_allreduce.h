#pragma once

#include "base/status.h"
#include "engine/means.h"
#include "engine/pending_table.h"
#include "engine/ticket.h"

namespace tsring {

/// A sum or average of float32 that travels as 8-bit integers (the header's `payload`) in the blocks of
/// `kernel/quantize.h`: about a quarter of the bytes. 8-bit integers cannot be added up on their way as 16-bit floats
/// can, so every rank adds up a part of it:
///
///  1. each packs its tensors, each from a block's beginning, as blocks;
///  2. an alltoall gives every rank its run of the blocks, of all ranks;
///  3. it adds those up in float32, in order of rank, and makes blocks of the sums;
///  4. an allgather gives every rank all of these: the same bytes, and so the same results.
///
/// So each number is rounded twice, once on its rank and once as a sum. Used by whichever thread performs the
/// operation.
Status quantizedAllreduce(const Means& means, const Operation& operation, Outcome& outcome);

}  // namespace tsring
