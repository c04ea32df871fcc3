#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"
#include "collective/ring.h"
#include "transport/shm/host_group.h"

namespace tsring {

// The two halves of an allreduce among the ranks of one host, with something else between them; the first alone is a
// reducescatter. Data are cut into one slice a member; all pass through shared memory in pieces that fit a slot. Each
// fails with kTimeout when no member moves for `stallLimit`, kShutDown when the group is interrupted, and with what
// `between` fails with, which is called after each piece.

/// The slice of `data` that `member` of `members` is in charge of: whole elements, lengths differ by at most one.
std::span<std::byte> sliceOf(std::span<std::byte> data, size_t element, size_t members, size_t member);

/// That of each member.
std::vector<std::span<std::byte>> slicesOf(std::span<std::byte> data, size_t element, size_t members);

/// Our own slice becomes the members' combined; the others stay as they are. `slices` by member, of any lengths, which
/// are the same on all. A slice is combined from its own member's on, in the order of the members and around.
Status reduceSlices(HostGroup& group, std::span<const std::span<std::byte>> slices, const Reduction& reduction,
                    std::chrono::milliseconds stallLimit, const std::function<Status()>& between);

/// Each member's own slice becomes everyone's.
Status gatherSlices(HostGroup& group, std::span<std::byte> data, size_t element, std::chrono::milliseconds stallLimit,
                    const std::function<Status()>& between);

}  // namespace tsring
