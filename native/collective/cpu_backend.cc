#include "collective/cpu_backend.h"

#include <string>

#include "collective/adasum.h"
#include "collective/alltoall.h"
#include "collective/halving_doubling.h"
#include "collective/host_collectives.h"
#include "collective/host_slices.h"
#include "collective/recursive_doubling.h"
#include "collective/ring_collectives.h"

namespace tsring {

CpuBackend::CpuBackend(Mesh& mesh, HostGroup* host, const Tuning& tuning, std::chrono::milliseconds stallLimit)
    : mesh_(mesh),
      host_(host),
      tuning_(tuning),
      team_(Team::whole(mesh.rank(), mesh.size())),
      seats_(team_),
      stallLimit_(stallLimit) {}

CpuBackend::CpuBackend(Mesh& mesh, Team team, const Tuning& tuning, std::chrono::milliseconds stallLimit)
    : mesh_(mesh), host_(nullptr), tuning_(tuning), team_(std::move(team)), seats_(team_), stallLimit_(stallLimit) {}

void CpuBackend::retune(const Tuning& tuning) {
  tuning_ = tuning;
  workspace_.arrived.resize(tuning.pieceBytes);
}

Status CpuBackend::allreduce(std::span<std::byte> data, DType dtype, ReduceOp op) {
  return allreduceBy(algorithm(data.size()), data, dtype, op);
}

Status CpuBackend::allreduceStrips(const Strips& strips, DType dtype, ReduceOp op) {
  const bool parts = algorithm(strips.bytes()) == Algorithm::kParts;
  return hostAllreduce(*host_, parts ? HostWay::kParts : HostWay::kEveryone, strips, dtype, op, stallLimit_);
}

Status CpuBackend::allgather(std::span<const std::span<std::byte>> blocks) {
  if (host_) return hostAllgather(*host_, blocks, stallLimit_);
  return ringAllgather(mesh_, team_, blocks, workspace_, stallLimit_);
}

Status CpuBackend::broadcast(std::span<std::byte> data, int root) {
  if (host_) return hostBroadcast(*host_, data, static_cast<size_t>(root), stallLimit_);
  return chainBroadcast(mesh_, team_, data, static_cast<size_t>(root), workspace_, stallLimit_);
}

Status CpuBackend::reducescatter(std::span<const std::span<std::byte>> blocks, DType dtype, ReduceOp op) {
  const Reduction reduction{dtype, op, static_cast<int>(size())};
  if (host_) return reduceSlices(*host_, blocks, reduction, stallLimit_, [] { return Status::okay(); });
  return ringReducescatter(mesh_, team_, blocks, reduction, workspace_, stallLimit_);
}

Status CpuBackend::alltoall(std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) {
  const PairBlocks blocks(team_.index, from, into, sizes);
  if (host_) return hostAlltoall(*host_, blocks, sizes.longest(), stallLimit_);
  return pairwiseAlltoall(mesh_, team_, blocks, workspace_, stallLimit_);
}

Status CpuBackend::adasum(std::span<std::byte> data, DType dtype, std::span<const Range> tensors) {
  return adasumAllreduce(mesh_, team_, data, dtype, tensors, workspace_, stallLimit_);
}

// What goes through memory is not laid end to end.
uint64_t CpuBackend::bestBucketBytes() const {
  if (host_) return CollectiveBackend::bestBucketBytes();
  return bytesWorthARing(tuning_.costs, size()).value_or(CollectiveBackend::bestBucketBytes());
}

Result<std::vector<double>> CpuBackend::time(Algorithm algorithm, size_t bytes, size_t rounds) {
  if (mediumOf(algorithm) != medium()) {
    return Status(StatusCode::kInvalidArgument,
                  std::string(algorithmName(algorithm)) + " cannot be timed: the ranks have another medium");
  }
  std::vector<float> values(bytes / sizeof(float));
  std::vector<double> took;
  for (size_t round = 0; round <= rounds; ++round) {
    if (Status s = meet(); !s.ok()) return s;
    const auto start = Clock::now();
    const auto data = std::as_writable_bytes(std::span(values));
    if (Status s = allreduceBy(algorithm, data, DType::kFloat32, ReduceOp::kSum); !s.ok()) return s;
    if (round > 0) took.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return took;
}

Status CpuBackend::allreduceBy(Algorithm algorithm, std::span<std::byte> data, DType dtype, ReduceOp op) {
  const Team& seats = data.size() > seatedAbove_ ? seats_ : team_;
  switch (algorithm) {
    case Algorithm::kRing:
      return ringAllreduce(mesh_, team_, data, dtype, op, workspace_, stallLimit_);
    case Algorithm::kRecursiveDoubling:
      return recursiveDoublingAllreduce(mesh_, seats, data, dtype, op, workspace_, stallLimit_);
    case Algorithm::kHalvingDoubling:
      return halvingDoublingAllreduce(mesh_, seats, data, dtype, op, workspace_, stallLimit_);
    case Algorithm::kEveryone:
      return hostAllreduce(*host_, HostWay::kEveryone, data, dtype, op, stallLimit_);
    case Algorithm::kParts:
      return hostAllreduce(*host_, HostWay::kParts, data, dtype, op, stallLimit_);
  }
  return Status(StatusCode::kInternal, "no such algorithm");
}

// Nobody leaves before all have come.
Status CpuBackend::meet() {
  if (host_) return host_->awaitAll(host_->arrive(), Deadline::in(stallLimit_));
  std::byte token{};
  return recursiveDoublingAllreduce(mesh_, team_, {&token, 1}, DType::kUint8, ReduceOp::kMax, workspace_, stallLimit_);
}

}  // namespace tsring
