#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

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

/// How many neighbours run on one processor, and on no other: the same number on each of two processors or more;
/// otherwise 1. `processors` by rank, counted from 1, and 0 of a rank that may run on several.
size_t evenShare(std::span<const uint16_t> processors);

/// The same of the mesh's ranks, which all call this at the same time. Fails as an allreduce does.
Result<size_t> neighboursOnACore(Mesh& mesh, std::chrono::milliseconds stallLimit);

}  // namespace tsring
