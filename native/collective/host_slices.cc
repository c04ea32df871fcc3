#include "collective/host_slices.h"

#include <algorithm>
#include <vector>

#include "base/phase.h"
#include "collective/chunk.h"
#include "collective/through_slots.h"
#include "kernel/reduce.h"

namespace tsring {
namespace {

// Both a member's input and output of a piece stay in a core's own cache.
constexpr size_t kSlicePieceBytes = 256 << 10;
constexpr size_t kSliceAlignment = 64;

/// How many pieces the longest slice has.
size_t piecesOf(std::span<const std::span<std::byte>> slices, size_t most) {
  size_t longest = 0;
  for (const auto& slice : slices) longest = std::max(longest, slice.size());
  return (longest + most - 1) / most;
}

}  // namespace

std::span<std::byte> sliceOf(std::span<std::byte> data, size_t element, size_t members, size_t member) {
  const Range range = chunk(data.size() / element, members, member);
  return data.subspan(range.begin * element, range.size() * element);
}

std::vector<std::span<std::byte>> slicesOf(std::span<std::byte> data, size_t element, size_t members) {
  std::vector<std::span<std::byte>> slices;
  for (size_t member = 0; member < members; ++member) slices.push_back(sliceOf(data, element, members, member));
  return slices;
}

Status reduceSlices(HostGroup& group, std::span<const std::span<std::byte>> slices, const Reduction& reduction,
                    std::chrono::milliseconds stallLimit, const std::function<Status()>& between) {
  const auto [dtype, op, divisor] = reduction;
  const Phase phase("reduce on the host");
  const size_t members = group.size();
  if (members == 1) return Status::okay();
  const size_t own = group.index();
  const size_t element = elementSize(dtype);
  // Room in a slot for a piece of every member's slice.
  const size_t most =
      std::min(group.layout().slotBytes, kSlicePieceBytes) / members / kSliceAlignment * kSliceAlignment;
  std::vector<const std::byte*> inputs(members);
  const auto fill = [&](size_t piece, std::byte* slot) {
    for (size_t member = 0; member < members; ++member) {
      if (member != own) copy(slot + member * most, pieceOf(slices[member], most, piece));
    }
  };
  const auto use = [&](size_t piece, size_t slot) {
    const auto into = pieceOf(slices[own], most, piece);
    if (into.empty()) return;
    inputs[0] = into.data();
    for (size_t i = 1; i < members; ++i) inputs[i] = group.slot((own + i) % members, slot) + own * most;
    combineMany(op, dtype, into.data(), inputs, into.size() / element, divisor);
  };
  return throughSlots(group, piecesOf(slices, most), stallLimit, fill, use, between);
}

Status gatherSlices(HostGroup& group, std::span<std::byte> data, size_t element, std::chrono::milliseconds stallLimit,
                    const std::function<Status()>& between) {
  const Phase phase("gather on the host");
  const size_t members = group.size();
  const size_t most = std::min(group.layout().slotBytes, kSlicePieceBytes);
  const auto slices = slicesOf(data, element, members);
  const auto fill = [&](size_t piece, std::byte* slot) { copy(slot, pieceOf(slices[group.index()], most, piece)); };
  const auto use = [&](size_t piece, size_t slot) {
    for (size_t member = 0; member < members; ++member) {
      const auto into = pieceOf(slices[member], most, piece);
      if (member != group.index()) copy(into.data(), {group.slot(member, slot), into.size()});
    }
  };
  return throughSlots(group, piecesOf(slices, most), stallLimit, fill, use, between);
}

}  // namespace tsring
