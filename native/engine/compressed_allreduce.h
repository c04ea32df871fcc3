#pragma once

#include "base/status.h"
#include "engine/means.h"
#include "engine/pending_table.h"
#include "engine/ticket.h"

namespace tsring {

/// An allreduce of float32 whose elements travel as 16-bit floats (the header's `payload`): narrowed while they are
/// packed into buckets, combined as such, and widened into the results. Half the bytes are moved; what is lost is
/// precision, the same on every rank. Used by whichever thread performs the operation.
Status compressedAllreduce(const Means& means, const Operation& operation, Outcome& outcome);

}  // namespace tsring
