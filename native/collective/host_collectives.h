#pragma once

#include <chrono>
#include <span>

#include "base/dtype.h"
#include "base/status.h"
#include "collective/strips.h"
#include "transport/shm/host_group.h"

namespace tsring {

// Collectives among the ranks of one host, through shared memory. Data pass in pieces that stay in cache: main memory
// is read once, where the tensor is, and written once, where the result goes. Elements are combined in the order of the
// members, so the bits depend on nothing else; where members share cores, `kParts` combines those of each core first,
// but for 16-bit floats and what an offer could hold. Each fails with kTimeout when no member moves for `stallLimit`,
// kShutDown when the group is interrupted.

/// How members share the work of an allreduce. The bits are the same, unless members share cores.
enum class HostWay : bool {
  kEveryone,  // all combine everything: one sync point a piece
  kParts,     // each combines its own part of every piece and collects the others: two sync points a piece
};

/// Allreduce from the strips' inputs into their outputs, or to who takes results. Members have strips of the same
/// lengths at the same offsets. Each member copies its piece into its slot; the copy of the next piece goes on while
/// others are waited for. A group of one does nothing.
Status hostAllreduce(HostGroup& group, HostWay way, const Strips& strips, DType dtype, ReduceOp op,
                     std::chrono::milliseconds stallLimit);

/// The same in place, of data that lie end to end here; other members may have them apart.
Status hostAllreduce(HostGroup& group, HostWay way, std::span<std::byte> data, DType dtype, ReduceOp op,
                     std::chrono::milliseconds stallLimit);

/// `blocks` by member, our own filled in; lengths may differ.
Status hostAllgather(HostGroup& group, std::span<const std::span<std::byte>> blocks,
                     std::chrono::milliseconds stallLimit);

Status hostBroadcast(HostGroup& group, std::span<std::byte> data, size_t root, std::chrono::milliseconds stallLimit);

}  // namespace tsring
