#include "collective/shared_cores.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "collective/chunk.h"
#include "collective/recursive_doubling.h"

namespace tsring {
namespace {

constexpr size_t kMostProcessors = 1024;

/// By processor: whether the calling thread may run on it.
using Processors = std::array<std::byte, kMostProcessors>;

// Of a rank that is bound to one core that is one, though others have cores of their own.
Processors ours() {
  Processors may{};
#ifdef __linux__
  static_assert(kMostProcessors == CPU_SETSIZE);
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return may;
  for (size_t i = 0; i < kMostProcessors; ++i) may[i] = std::byte{CPU_ISSET(i, &set) != 0};
#endif
  return may;
}

std::optional<int> homeOf(size_t rank, size_t ranks, const Processors& processors) {
  const auto count = static_cast<size_t>(std::ranges::count(processors, std::byte{1}));
  size_t place = 0;
  for (size_t i = 0; i < kMostProcessors; ++i) {
    if (processors[i] != std::byte{1}) continue;
    if (rank < chunk(ranks, count, place++).end) return static_cast<int>(i);
  }
  return std::nullopt;
}

}  // namespace

Result<SharedCores> coresThatRanksShare(Mesh& mesh, std::chrono::milliseconds stallLimit) {
  const Team team = Team::whole(mesh.rank(), mesh.size());
  const auto ofAllRanks = [&](ReduceOp op) -> Result<Processors> {
    Processors processors = ours();
    RingWorkspace workspace;
    Status s = recursiveDoublingAllreduce(mesh, team, processors, DType::kBool, op, workspace, stallLimit);
    return s.ok() ? Result<Processors>(processors) : Result<Processors>(s);
  };
  const auto some = ofAllRanks(ReduceOp::kMax);
  if (!some.ok()) return some.status();
  const auto every = ofAllRanks(ReduceOp::kMin);
  if (!every.ok()) return every.status();
  const auto count = static_cast<size_t>(std::ranges::count(some.value(), std::byte{1}));
  if (count >= team.size()) return SharedCores{};
  if (some.value() != every.value()) return SharedCores{count, std::nullopt};
  return SharedCores{count, homeOf(team.index, team.size(), some.value())};
}

// Of the surplus ranks' pairs, which are neighbours, the second ones move up by one.
Team seatedAcrossCores(Team team, size_t cores) {
  const size_t n = team.size();
  if (!std::has_single_bit(cores) || n <= cores || n >= 2 * cores) return team;
  const size_t surplus = n - cores;
  const int own = team.ranks[team.index];
  std::vector<int> partners;
  for (size_t i = 1; i < n; i += i + 1 < 2 * surplus ? 2 : 1) partners.push_back(team.ranks[i]);
  std::ranges::rotate(partners, partners.begin() + 1);
  std::vector<int> seated;
  for (size_t i = 0; i < partners.size(); ++i) {
    if (i < surplus) seated.push_back(team.ranks[2 * i]);
    seated.push_back(partners[i]);
  }
  return {seated, static_cast<size_t>(std::ranges::find(seated, own) - seated.begin())};
}

size_t evenShare(std::span<const uint16_t> processors) {
  const auto next = std::ranges::find_if(processors, [&](uint16_t it) { return it != processors.front(); });
  const auto each = static_cast<size_t>(next - processors.begin());
  if (each == processors.size() || processors.size() % each != 0) return 1;
  std::vector<uint16_t> cores;
  for (size_t rank = 0; rank < processors.size(); ++rank) {
    if (rank % each == 0) cores.push_back(processors[rank]);
    if (processors[rank] != cores.back()) return 1;
  }
  std::ranges::sort(cores);
  const bool apart = std::ranges::adjacent_find(cores) == cores.end();
  return apart && cores.front() != 0 ? each : 1;
}

Result<size_t> neighboursOnACore(Mesh& mesh, std::chrono::milliseconds stallLimit) {
  const Team team = Team::whole(mesh.rank(), mesh.size());
  const Processors own = ours();
  std::vector<uint16_t> only(team.size());
  if (std::ranges::count(own, std::byte{1}) == 1)
    only[team.index] = static_cast<uint16_t>(std::ranges::find(own, std::byte{1}) - own.begin() + 1);
  RingWorkspace workspace;
  Status s = recursiveDoublingAllreduce(mesh, team, std::as_writable_bytes(std::span(only)), DType::kUint16,
                                        ReduceOp::kMax, workspace, stallLimit);
  if (!s.ok()) return s;
  return evenShare(only);
}

}  // namespace tsring
