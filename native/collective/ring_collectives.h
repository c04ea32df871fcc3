#pragma once

#include <span>

#include "collective/ring.h"

namespace tsring {

/// Bandwidth-optimal allreduce of `count` elements in place (Patarasuk & Yuan, J. Parallel Distrib. Comput. 69, 2009):
/// the data are cut into one chunk a rank. During n-1 steps each rank combines the chunk that comes from the left with
/// its own and passes it on, after which rank r holds the whole sum of chunk r+1; during n-1 more steps the sums go
/// round. 2(n-1)/n of the bytes leave each rank. The order in which a chunk is summed depends only on n, so every rank
/// and every run gets the same bits.
Status ringAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, DType dtype, ReduceOp op,
                     RingWorkspace& workspace, std::chrono::milliseconds stallLimit);

/// The same, for a thread that works on while the bytes move. `reduction` says by what an average is divided. The data
/// and the workspace are the pass's until it is done.
RingPass beginRingAllreduce(Mesh& mesh, const Team& team, std::span<std::byte> data, const Reduction& reduction,
                            RingWorkspace& workspace);

/// Each rank's block goes round to all: `blocks` by place in the team, our own filled in. Lengths may differ.
Status ringAllgather(Mesh& mesh, const Team& team, std::span<const std::span<std::byte>> blocks,
                     RingWorkspace& workspace, std::chrono::milliseconds stallLimit);

/// The first half of a ring allreduce, with a block a rank instead of a chunk: each goes round once, combined with
/// every rank's, and ends at the rank that it is for. `blocks` by place in the team; the others than ours are undefined
/// afterwards. Lengths may differ.
Status ringReducescatter(Mesh& mesh, const Team& team, std::span<const std::span<std::byte>> blocks,
                         const Reduction& reduction, RingWorkspace& workspace, std::chrono::milliseconds stallLimit);

/// A chain from the root to its right: each rank passes bytes on as they come, so that all links are busy at once.
Status chainBroadcast(Mesh& mesh, const Team& team, std::span<std::byte> data, size_t root, RingWorkspace& workspace,
                      std::chrono::milliseconds stallLimit);

}  // namespace tsring
