#pragma once

#include <chrono>
#include <cstddef>

#include "base/status.h"
#include "transport/mesh.h"

namespace tsring {

/// How many processors ranks on one host may run on, all of them together, where ranks outnumber them: the same on all
/// ranks. 0 where they do not, or a system does not tell. All ranks of the mesh call this at the same time. Fails as an
/// allreduce does.
Result<size_t> coresThatRanksShare(Mesh& mesh, std::chrono::milliseconds stallLimit);

}  // namespace tsring
