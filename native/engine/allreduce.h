#pragma once

#include "engine/means.h"
#include "engine/pending_table.h"
#include "engine/ticket.h"

namespace tsring {

/// Combines an operation's tensors over all ranks, in the form that the request has them travel in.
Status allreduce(const Means& means, const Operation& operation, Outcome& outcome);

}  // namespace tsring
