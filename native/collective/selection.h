#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "collective/cost_model.h"
#include "collective/ring.h"
#include "transport/mesh.h"

namespace tsring {

/// How data are moved: by what an allreduce's algorithm is chosen, how much is moved at a time and over how many
/// sockets, whether links carry checksums, and by which way GPUs of several hosts are combined. All ranks go by rank
/// 0's.
struct Tuning {
  std::optional<Algorithm> forced;  // always this one, on its medium
  Costs costs = kBuiltInCosts;
  bool checksums = false;
  bool devicesByHost = false;                // GPUs: NCCL inside each host, our links between hosts
  uint32_t numNcclStreams = 1;               // GPUs: so many operations are under way side by side
  uint64_t fusionThresholdBytes = 64 << 20;  // of the buckets that the tensors of a group are packed into
  uint32_t pieceBytes = kDefaultPieceBytes;  // of what is handed to a link, or taken from it, in one go
  uint32_t sockets = 1;                      // of those that connect two ranks, data go over so many
  bool operator==(const Tuning&) const = default;
};

/// What is searched for the best.
struct Trial {
  size_t fusionThresholdBytes;
  uint32_t pieceBytes;
  /// Of what a tuning takes a step to cost: more moves the sizes up from which algorithms with more steps, and fewer
  /// bytes, are chosen.
  uint32_t stepCostPercent;
  uint32_t sockets = 1;
};
/// `tuning` with what the trial changes in it.
Tuning tried(Tuning tuning, const Trial& trial);

/// The algorithm that should be fastest; at equal cost the one of fewer steps.
Algorithm choose(const Tuning& tuning, Medium medium, size_t ranks, uint64_t bytes);

/// From `fromBytes` on, up to the next one, `algorithm` is chosen.
struct Stretch {
  uint64_t fromBytes;
  Algorithm algorithm;
  bool operator==(const Stretch&) const = default;
};
/// What is chosen for which sizes, from 0 on.
std::vector<Stretch> stretches(const Tuning& tuning, Medium medium, size_t ranks);
/// The same in words: "recursive-doubling, from 40 KB halving-doubling, from 1.2 MB ring".
std::string describe(const std::vector<Stretch>& stretches);

/// kUnsupported where a forced algorithm has no use for the medium that the ranks have.
Status checkPossible(const Tuning& tuning, Medium medium);

/// What rank 0 sends of it: always as many bytes.
Bytes tuningRecord(const Tuning& tuning);
/// The tuning in such a record; nothing for zeros, which is what a rank that has joined brings.
std::optional<Tuning> tuningIn(std::span<const std::byte> record);
/// Rank 0's tuning, on all ranks. All call this at the same time, before anything else goes over the mesh.
Result<Tuning> agreeOnTuning(Mesh& mesh, const Tuning& own, std::chrono::milliseconds stallLimit);

}  // namespace tsring
