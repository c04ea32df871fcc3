#include "collective/alltoall.h"

#include <algorithm>
#include <numeric>

#include "collective/pairwise.h"
#include "collective/through_slots.h"

namespace tsring {
namespace {

// What a member has in its slot for all others together stays in a core's own cache.
constexpr size_t kExchangedAtOnce = 256 << 10;
constexpr size_t kSlotAlignment = 64;

}  // namespace

Status pairwiseAlltoall(Mesh& mesh, const Team& team, const PairBlocks& blocks, RingWorkspace& workspace,
                        std::chrono::milliseconds stallLimit) {
  const PairLink link{mesh, workspace.arrived, stallLimit};
  const size_t n = team.size();
  for (size_t round = 0; round < n; ++round) {
    const size_t partner = (round + n - team.index) % n;
    if (partner == team.index) continue;
    if (Status s = exchange(link, team.ranks[partner], blocks.give[partner], blocks.take[partner]); !s.ok()) return s;
  }
  return Status::okay();
}

Status hostAlltoall(HostGroup& group, const PairBlocks& blocks, size_t longest, std::chrono::milliseconds stallLimit) {
  const size_t members = group.size();
  const size_t own = group.index();
  // Room in a slot for a piece for every member.
  const size_t most = std::min(group.layout().slotBytes, kExchangedAtOnce) / members / kSlotAlignment * kSlotAlignment;
  const auto fill = [&](size_t piece, std::byte* slot) {
    for (size_t member = 0; member < members; ++member) {
      if (member != own) copy(slot + member * most, pieceOf(blocks.give[member], most, piece));
    }
  };
  const auto use = [&](size_t piece, size_t slot) {
    for (size_t i = 1; i < members; ++i) {
      const size_t member = (own + i) % members;
      const auto into = pieceOf(blocks.take[member], most, piece);
      copy(into.data(), {group.slot(member, slot) + own * most, into.size()});
    }
  };
  return throughSlots(group, (longest + most - 1) / most, stallLimit, fill, use, [] { return Status::okay(); });
}

size_t PairSizes::longest() const {
  std::vector<int> all(ranks_);
  std::iota(all.begin(), all.end(), 0);
  return longestAmong(all);
}

size_t PairSizes::longestAmong(std::span<const int> ranks) const {
  size_t longest = 0;
  for (const int from : ranks) {
    for (const int to : ranks) {
      if (from != to) longest = std::max(longest, of(static_cast<size_t>(from), static_cast<size_t>(to)));
    }
  }
  return longest;
}

PairBlocks::PairBlocks(size_t own, std::span<const std::byte> from, std::span<std::byte> into, const PairSizes& sizes) {
  size_t given = 0;
  size_t taken = 0;
  for (size_t rank = 0; rank < sizes.ranks(); ++rank) {
    give.push_back(from.subspan(given, sizes.of(own, rank)));
    take.push_back(into.subspan(taken, sizes.of(rank, own)));
    given += give.back().size();
    taken += take.back().size();
  }
  copy(take[own].data(), give[own]);
}

PairBlocks PairBlocks::among(std::span<const int> ranks) const {
  PairBlocks chosen;
  for (const int rank : ranks) {
    chosen.give.push_back(give[static_cast<size_t>(rank)]);
    chosen.take.push_back(take[static_cast<size_t>(rank)]);
  }
  return chosen;
}

void PairBlocks::leaveOut(std::span<const int> ranks) {
  for (const int rank : ranks) {
    give[static_cast<size_t>(rank)] = {};
    take[static_cast<size_t>(rank)] = {};
  }
}

}  // namespace tsring
