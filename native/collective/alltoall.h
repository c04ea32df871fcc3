#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "base/status.h"
#include "collective/ring.h"
#include "collective/team.h"
#include "transport/mesh.h"
#include "transport/shm/host_group.h"

namespace tsring {

/// How many bytes each rank has for each other one. The same on all ranks.
class PairSizes {
 public:
  explicit PairSizes(size_t ranks) : ranks_(ranks), bytes_(ranks * ranks) {}

  size_t ranks() const { return ranks_; }
  size_t& of(size_t from, size_t to) { return bytes_[from * ranks_ + to]; }
  size_t of(size_t from, size_t to) const { return bytes_[from * ranks_ + to]; }
  /// The most that one rank has for another.
  size_t longest() const;
  /// The most that one of `ranks` has for another of them.
  size_t longestAmong(std::span<const int> ranks) const;

 private:
  size_t ranks_;
  std::vector<size_t> bytes_;
};

/// What a rank gives to each other and gets from it, by rank.
struct PairBlocks {
  PairBlocks() = default;
  /// Of memory that is laid end to end by rank; the part that stays with us is copied at once.
  PairBlocks(size_t own, std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes);

  /// The blocks of these ranks, in this order.
  PairBlocks among(std::span<const int> ranks) const;
  void leaveOut(std::span<const int> ranks);

  std::vector<std::span<const std::byte>> give;
  std::vector<std::span<std::byte>> take;
};

/// Over links. In round r = 0 to n - 1 the ranks i and j with i + j = r (mod n) exchange their blocks: every two meet
/// once, whatever n is, and each link carries both ways at once.
///
///     n = 5    r = 0: 1-4 2-3    r = 1: 0-1 2-4    r = 2: 0-2 3-4    r = 3: 0-3 1-2    r = 4: 0-4 1-3
///
/// All go through the rounds in the same order, so whoever waits waits for a rank that is behind, and the one that is
/// furthest behind waits for nobody. Fails with kPeerLost, or kTimeout when nothing moves for `stallLimit`.
Status pairwiseAlltoall(Mesh& mesh, const Team& team, const PairBlocks& blocks, RingWorkspace& workspace,
                        std::chrono::milliseconds stallLimit);

/// Through the memory that ranks of one host share. `longest` is the longest block of any two members. Fails with
/// kTimeout when no member moves for `stallLimit`, kShutDown when the group is interrupted.
Status hostAlltoall(HostGroup& group, const PairBlocks& blocks, size_t longest, std::chrono::milliseconds stallLimit);

}  // namespace tsring
