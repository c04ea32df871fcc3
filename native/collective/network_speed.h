#pragma once

#include <chrono>
#include <cstdint>

#include "base/status.h"
#include "collective/cost_model.h"
#include "collective/team.h"
#include "transport/mesh.h"

namespace tsring {

/// What a network is like, as costs are: a message takes `messageNanoseconds` to be there, and `bytePicoseconds` more
/// for each byte of it.
struct NetworkSpeed {
  uint64_t messageNanoseconds = 0;
  uint64_t bytePicoseconds = 0;
  bool operator==(const NetworkSpeed&) const = default;
};

/// What the slowest rank finds of the links among `team`, by a few recursive doublings of little and of more data: the
/// same on all ranks. All ranks of the mesh call this at the same time, those of each team with the same team; teams
/// are of one size, two ranks or more. Takes some ten round trips. Fails as an allreduce does.
Result<NetworkSpeed> measureNetwork(Mesh& mesh, const Team& team, std::chrono::milliseconds stallLimit);

/// The built-in costs, with those of steps and bytes over links multiplied as the network is slower than what they are
/// for; never less. Only whole classes of networks are told apart, by factors of eight, so that what is chosen is the
/// same from run to run but where a network is just between two.
Costs costsOn(const NetworkSpeed& network);

/// Bytes of all ranks together that are better sent to every rank along with an agreement than combined afterwards,
/// which takes as many steps again: what the bytes cost is no more than the steps.
uint64_t travelBytesWorth(const Costs& costs, size_t ranks);

}  // namespace tsring
