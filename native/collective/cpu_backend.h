#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "collective/backend.h"
#include "collective/ring.h"
#include "collective/selection.h"
#include "collective/team.h"
#include "transport/mesh.h"
#include "transport/shm/host_group.h"

namespace tsring {

/// Collectives on main memory: through shared memory where all ranks are on one host, over links otherwise.
class CpuBackend final : public CollectiveBackend {
 public:
  /// `host` is the group of all ranks, or null. It and the mesh must outlive this. `tuning` is the same on all ranks.
  /// An operation fails with kTimeout when nothing moves for `stallLimit`.
  CpuBackend(Mesh& mesh, HostGroup* host, const Tuning& tuning, std::chrono::milliseconds stallLimit);
  /// The same over links, among some of the ranks: those of `team`, whose places are meant where ranks are spoken of.
  CpuBackend(Mesh& mesh, Team team, const Tuning& tuning, std::chrono::milliseconds stallLimit);

  /// From now on the algorithms that pair ranks up seat them in this order, the same on all ranks, for more than
  /// `above` bytes.
  void seat(Team seats, size_t above) {
    seats_ = std::move(seats);
    seatedAbove_ = above;
  }

  Status allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) override;
  /// In shared memory each byte is copied there from where it is anyway.
  bool takesStrips() const override { return host_ && team_.size() > 1; }
  Status allreduceStrips(const Strips& strips, DType dtype, ReduceOp op) override;
  Status allgather(std::span<const std::span<std::byte>> blocks) override;
  Status broadcast(std::span<std::byte> data, int root) override;
  Status reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) override;
  Status alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) override;
  /// Over links, also where memory is shared.
  Status adasum(std::span<std::byte> data, DType dtype, std::span<const Range> tensors) override;
  size_t index() const override { return team_.index; }
  size_t size() const override { return team_.size(); }

  uint64_t bestBucketBytes() const override;

  std::string_view allreduceWay(size_t bytes) const override { return algorithmName(algorithm(bytes)); }

  /// From now on goes by another tuning, the same on all ranks.
  void retune(const Tuning& tuning);

  Medium medium() const { return host_ ? Medium::kMemory : Medium::kLinks; }
  /// What an allreduce of so many bytes is done by.
  Algorithm algorithm(size_t bytes) const { return choose(tuning_, medium(), team_.size(), bytes); }
  /// What is chosen for which sizes, in words.
  std::string describeChoice() const { return describe(stretches(tuning_, medium(), team_.size())); }

  /// Nanoseconds that each of `rounds` float32 sums of `bytes` by this algorithm takes on this rank, after a round that
  /// does not count; ranks begin each round together. All ranks call this at the same time. Fails with kInvalidArgument
  /// where the algorithm is not of our medium.
  Result<std::vector<double>> time(Algorithm algorithm, size_t bytes, size_t rounds);

 private:
  Status allreduceBy(Algorithm algorithm, std::span<std::byte> data, DType dtype, ReduceOp op);
  Status meet();

  Mesh& mesh_;
  HostGroup* const host_;
  Tuning tuning_;
  const Team team_;
  Team seats_;  // the same ranks
  size_t seatedAbove_ = 0;
  const std::chrono::milliseconds stallLimit_;
  RingWorkspace workspace_;
};

}  // namespace tsring
