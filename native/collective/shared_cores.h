#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "base/status.h"
#include "collective/team.h"
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

/// All ranks, by homes on so many cores, in the order in which a Fold seats them best. Where each core has one of the
/// seats, a rank that hands its data in does so to one on another core: both cores then do as much, where neighbours
/// would leave one of them waiting.
///
///     3 ranks, 2 cores    0 -> 2, on the other core; 1 and 2 take part
///
/// Otherwise ranks stay in their order.
Team seatedAcrossCores(Team team, size_t cores);

}  // namespace tsring
