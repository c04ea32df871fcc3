#include "collective/host_collectives.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/phase.h"
#include "collective/chunk.h"
#include "kernel/reduce.h"

namespace tsring {
namespace {

constexpr size_t kSlots = HostGroup::kSlots;
// Where everyone combines everything, pieces have this size: both, in and out, fit a core's own cache with room to
// spare.
constexpr size_t kEveryonePiece = 128 << 10;
// Where each combines its part of a piece and collects the others'. Larger pieces have fewer sync points, and leave the
// cache earlier: of 32 KB to 512 KB this was the best or next to it for 2, 4 and 8 ranks on two cores.
constexpr size_t kPartsPiece = 256 << 10;
constexpr size_t kNearBytes = 8 << 10;
static_assert(kSlots >= 4, "three pieces are on their way, and the slot of a fourth is being read by slower members");

/// Cuts `bytes` into pieces of at most `most` bytes.
struct Pieces {
  size_t bytes;
  size_t most;
  size_t count() const { return (bytes + most - 1) / most; }
  std::span<std::byte> of(std::span<std::byte> data, size_t piece) const {
    const size_t begin = std::min(piece * most, bytes);
    return data.subspan(begin, std::min(most, bytes - begin));
  }
};

void copyPiece(std::byte* to, const std::byte* from, size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

/// out = the members' inputs combined in the order of the members, `bytes` long, read at `offset` of their slots.
void combineSlots(const HostGroup& group, size_t slot, size_t offset, std::byte* out, size_t bytes, DType dtype,
                  ReduceOp op) {
  std::vector<const std::byte*> inputs;
  for (size_t member = 0; member < group.size(); ++member) inputs.push_back(group.slot(member, slot) + offset);
  combineMany(op, dtype, out, inputs, bytes / elementSize(dtype), static_cast<int>(group.size()));
}

/// A slot with this member's piece in it, and the point at which all members' pieces are in theirs.
struct Filled {
  size_t slot;
  uint32_t point;
};

Result<Filled> fill(HostGroup& group, std::span<const std::byte> piece, Deadline deadline) {
  const auto slot = group.claimSlot(deadline);
  if (!slot.ok()) return slot.status();
  if (!piece.empty()) std::memcpy(group.slot(group.index(), slot.value()), piece.data(), piece.size());
  return Filled{slot.value(), group.arrive()};
}

Status everyoneCombines(HostGroup& group, std::span<std::byte> data, DType dtype, ReduceOp op, size_t pieceBytes,
                        std::chrono::milliseconds stallLimit) {
  const Phase phase("everyone combines");
  const Pieces pieces{data.size(), pieceBytes};
  auto next = fill(group, pieces.of(data, 0), Deadline::in(stallLimit));
  for (size_t i = 0; i < pieces.count(); ++i) {
    if (!next.ok()) return next.status();
    const Filled filled = next.value();
    if (i + 1 < pieces.count()) next = fill(group, pieces.of(data, i + 1), Deadline::in(stallLimit));
    if (Status s = group.awaitAll(filled.point, Deadline::in(stallLimit)); !s.ok()) return s;
    const auto piece = pieces.of(data, i);
    combineSlots(group, filled.slot, 0, piece.data(), piece.size(), dtype, op);
    group.releaseSlot(filled.slot);
  }
  return Status::okay();
}

// Three pieces are on their way at once, each at another stage, so that nobody waits for what another has just begun:
//   give:    the others' parts of the piece go into our slot;
//   combine: our own part of everyone's, into our slot, where nothing was given, and from there into the result;
//   collect: the others' parts, from theirs.
class MemberParts {
 public:
  MemberParts(HostGroup& group, std::span<std::byte> data, DType dtype, ReduceOp op,
              std::chrono::milliseconds stallLimit)
      : group_(group),
        pieces_{data.size(), std::min(group.layout().slotBytes, kPartsPiece)},
        data_(data),
        dtype_(dtype),
        op_(op),
        stallLimit_(stallLimit),
        inputs_(group.size()) {}

  Status run() {
    const size_t count = pieces_.count();
    for (size_t i = 0; i < count + 2; ++i) {
      if (i < count) {
        if (Status s = give(i); !s.ok()) return s;
      }
      if (i >= 1 && i - 1 < count) {
        if (Status s = combineOwn(i - 1); !s.ok()) return s;
      }
      if (i >= 2) {
        if (Status s = collect(i - 2); !s.ok()) return s;
      }
    }
    return Status::okay();
  }

 private:
  struct OnItsWay {
    size_t slot;
    uint32_t given;     // the point at which all have given
    uint32_t combined;  // and at which all have combined
  };

  Status give(size_t i) {
    const Phase phase("give");
    const auto slot = group_.claimSlot(Deadline::in(stallLimit_));
    if (!slot.ok()) return slot.status();
    const auto piece = pieces_.of(data_, i);
    const Range own = part(piece, group_.index());
    std::byte* const into = group_.slot(group_.index(), slot.value());
    copyPiece(into, piece.data(), own.begin);
    copyPiece(into + own.end, piece.data() + own.end, piece.size() - own.end);
    onItsWay_[i % kSlots] = {slot.value(), group_.arrive(), 0};
    return Status::okay();
  }

  Status combineOwn(size_t i) {
    const Phase phase("combine");
    OnItsWay& way = onItsWay_[i % kSlots];
    if (Status s = group_.awaitAll(way.given, Deadline::in(stallLimit_)); !s.ok()) return s;
    const auto piece = pieces_.of(data_, i);
    const Range own = part(piece, group_.index());
    std::byte* const combined = group_.slot(group_.index(), way.slot);
    // In steps that stay in the nearest cache until they are copied.
    for (size_t begin = own.begin; begin < own.end; begin += kNearBytes) {
      const size_t bytes = std::min(kNearBytes, own.end - begin);
      for (size_t member = 0; member < group_.size(); ++member) inputs_[member] = group_.slot(member, way.slot) + begin;
      inputs_[group_.index()] = piece.data() + begin;
      combineMany(op_, dtype_, combined + begin, inputs_, bytes / elementSize(dtype_), static_cast<int>(group_.size()));
      copyPiece(piece.data() + begin, combined + begin, bytes);
    }
    way.combined = group_.arrive();
    return Status::okay();
  }

  Status collect(size_t i) {
    const Phase phase("collect");
    const OnItsWay& way = onItsWay_[i % kSlots];
    if (Status s = group_.awaitAll(way.combined, Deadline::in(stallLimit_)); !s.ok()) return s;
    const auto piece = pieces_.of(data_, i);
    for (size_t next = 1; next < group_.size(); ++next) {
      const size_t member = (group_.index() + next) % group_.size();
      const Range from = part(piece, member);
      copyPiece(piece.data() + from.begin, group_.slot(member, way.slot) + from.begin, from.size());
    }
    group_.releaseSlot(way.slot);
    return Status::okay();
  }

  /// The bytes of `piece` that `member` combines.
  Range part(std::span<const std::byte> piece, size_t member) const {
    const size_t element = elementSize(dtype_);
    const Range elements = chunk(piece.size() / element, group_.size(), member);
    return {elements.begin * element, elements.end * element};
  }

  HostGroup& group_;
  const Pieces pieces_;
  const std::span<std::byte> data_;
  const DType dtype_;
  const ReduceOp op_;
  const std::chrono::milliseconds stallLimit_;
  std::vector<const std::byte*> inputs_;
  std::array<OnItsWay, kSlots> onItsWay_{};
};

}  // namespace

Status hostAllreduce(HostGroup& group, HostWay way, std::span<std::byte> data, DType dtype, ReduceOp op,
                     std::chrono::milliseconds stallLimit) {
  if (group.size() == 1 || data.empty()) return Status::okay();
  const size_t slotBytes = group.layout().slotBytes;
  if (way == HostWay::kEveryone) {
    return everyoneCombines(group, data, dtype, op, std::min(slotBytes, kEveryonePiece), stallLimit);
  }
  return MemberParts(group, data, dtype, op, stallLimit).run();
}

Status hostAllgather(HostGroup& group, std::span<const std::span<std::byte>> blocks,
                     std::chrono::milliseconds stallLimit) {
  if (group.size() == 1) return Status::okay();
  const Phase phase("gather on the host");
  size_t longest = 0;
  for (const auto& block : blocks) longest = std::max(longest, block.size());
  const size_t slotBytes = group.layout().slotBytes;
  const auto pieceOf = [&](size_t member, size_t i) {
    return Pieces{blocks[member].size(), slotBytes}.of(blocks[member], i);
  };
  for (size_t i = 0; i < Pieces{longest, slotBytes}.count(); ++i) {
    const auto filled = fill(group, pieceOf(group.index(), i), Deadline::in(stallLimit));
    if (!filled.ok()) return filled.status();
    if (Status s = group.awaitAll(filled.value().point, Deadline::in(stallLimit)); !s.ok()) return s;
    for (size_t member = 0; member < group.size(); ++member) {
      const auto piece = pieceOf(member, i);
      if (member != group.index() && !piece.empty())
        std::memcpy(piece.data(), group.slot(member, filled.value().slot), piece.size());
    }
    group.releaseSlot(filled.value().slot);
  }
  return Status::okay();
}

Status hostBroadcast(HostGroup& group, std::span<std::byte> data, size_t root, std::chrono::milliseconds stallLimit) {
  if (group.size() == 1) return Status::okay();
  const Phase phase("broadcast on the host");
  const Pieces pieces{data.size(), group.layout().slotBytes};
  const bool giving = group.index() == root;
  for (size_t i = 0; i < pieces.count(); ++i) {
    const auto piece = pieces.of(data, i);
    const auto filled = fill(group, giving ? piece : std::span<std::byte>(), Deadline::in(stallLimit));
    if (!filled.ok()) return filled.status();
    if (!giving) {
      if (Status s = group.awaitAll(filled.value().point, Deadline::in(stallLimit)); !s.ok()) return s;
      std::memcpy(piece.data(), group.slot(root, filled.value().slot), piece.size());
    }
    group.releaseSlot(filled.value().slot);
  }
  return Status::okay();
}

}  // namespace tsring
