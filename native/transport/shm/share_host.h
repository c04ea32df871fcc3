#pragma once

#include <memory>
#include <span>

#include "base/deadline.h"
#include "base/status.h"
#include "transport/mesh.h"
#include "transport/shm/host_group.h"

namespace tsring {

/// Gives the ranks `members` (in order, ours among them) of one host a segment to share: the first makes it, the others
/// open it, and it is used only if all could. All of them call this at the same time, before anything else goes over
/// the mesh. Fails with kUnsupported, on all of them, where one could not; with the mesh's error or kTimeout where a
/// link is broken.
Result<std::unique_ptr<HostGroup>> shareHost(Mesh& mesh, std::span<const int> members, const HostLayout& layout,
                                             Deadline deadline);

}  // namespace tsring
