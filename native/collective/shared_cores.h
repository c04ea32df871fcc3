#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "base/status.h"
#include "transport/mesh.h"

namespace tsring {

/// The processors of ranks on one host that outnumber them.
struct SharedCores {
  /// How many they are, all ranks' together: the same on all ranks. 0 where ranks do not outnumber them, or a system
  /// does not tell.
  size_t count = 0;
  /// Ours among them, where each rank may run on all: neighbours have the same, and each processor has equally many
  /// ranks, up to one. Nothing where ranks are kept on some, as tsrun does where they divide evenly. The system, left
  /// to itself, spreads ranks that wait for each other badly (HomeCore).
  std::optional<int> home;
};

/// All ranks of the mesh call this at the same time. Fails as an allreduce does.
Result<SharedCores> coresThatRanksShare(Mesh& mesh, std::chrono::milliseconds stallLimit);

}  // namespace tsring
