#pragma once

#include <chrono>

#include "base/status.h"
#include "transport/mesh.h"

namespace tsring {

/// Whether ranks on one host outnumber the processors that they may run on, all of them together: the same on all
/// ranks. False where a system does not tell. All ranks of the mesh call this at the same time. Fails as an allreduce
/// does.
Result<bool> ranksShareCores(Mesh& mesh, std::chrono::milliseconds stallLimit);

}  // namespace tsring
