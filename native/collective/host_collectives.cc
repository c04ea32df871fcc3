#include "collective/host_collectives.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/phase.h"
#include "collective/chunk.h"
#include "kernel/reduce.h"
#include "kernel/stream_copy.h"

namespace tsring {
namespace {

constexpr size_t kSlots = HostGroup::kSlots;
// Where everyone combines everything, pieces have this size: both, in and out, fit a core's own cache with room to
// spare.
constexpr size_t kEveryonePiece = 128 << 10;
// Where each combines its part of a piece and collects the others'. Larger pieces have fewer sync points, and leave the
// cache earlier: of 32 KB to 512 KB these were the best or next to it for 2, and for 3, 4 and 8 ranks on two cores, and
// for 4 and 8 that are bound to them.
constexpr size_t kPartsPieceOfTwo = 256 << 10;
constexpr size_t kPartsPiece = 128 << 10;
constexpr size_t kPartsPieceOfSharedCores = 64 << 10;
constexpr size_t kNearBytes = 8 << 10;
// Results apart from the inputs that are this large have left the caches before anyone reads them. They are written
// past these: 575 MB of gradients on two ranks in 0.84 of the time. Smaller ones are read sooner, and in place it takes
// longer.
constexpr size_t kStreamBytes = 32 << 20;
static_assert(kSlots > 4, "three pieces are on their way, and the slot of a fourth is being read by slower members");

// What a gate lets pass is combined in the order of the members. What was to pass, and did not, must give the same
// bits. And of 16-bit floats sums on their way would be rounded.
size_t givingTogether(const HostGroup& group, size_t bytes, DType dtype) {
  return bytes <= group.layout().offerBytes || isHalf(dtype) ? 1 : group.membersACore();
}

size_t partsPiece(const HostGroup& group, size_t membersACore) {
  const size_t best = group.size() == 2 ? kPartsPieceOfTwo : membersACore > 1 ? kPartsPieceOfSharedCores : kPartsPiece;
  return std::min(group.layout().slotBytes, best);
}

/// Cuts `bytes` into pieces of at most `most` bytes.
struct Pieces {
  size_t bytes;
  size_t most;
  size_t count() const { return (bytes + most - 1) / most; }
  Range operator[](size_t piece) const {
    const size_t begin = std::min(piece * most, bytes);
    return {begin, std::min(begin + most, bytes)};
  }
  std::span<std::byte> of(std::span<std::byte> data, size_t piece) const {
    const Range range = (*this)[piece];
    return data.subspan(range.begin, range.size());
  }
};

/// What the strips have in `range` goes to `piece`, where the range begins at `begin`.
void copyInto(std::byte* piece, size_t begin, const Strips& strips, Range range) {
  strips.within(range.begin, range.size(),
                [&](const Strip& strip) { std::memcpy(piece + (strip.offset - begin), strip.input, strip.bytes); });
}

/// out = the members' inputs combined in the order of the members, `bytes` long, read at `offset` of their slots.
void combineSlots(const HostGroup& group, size_t slot, size_t offset, std::byte* out, size_t bytes, DType dtype,
                  ReduceOp op) {
  std::vector<const std::byte*> inputs;
  for (size_t member = 0; member < group.size(); ++member) inputs.push_back(group.slot(member, slot) + offset);
  combineMany(op, dtype, out, inputs, bytes / elementSize(dtype), static_cast<int>(group.size()));
}

/// Calls `each` with parts of the strip that stay in the nearest cache.
template <typename Each>
void inSteps(const Strip& strip, Each each) {
  for (size_t done = 0; done < strip.bytes; done += kNearBytes) {
    each(strip.part(done, std::min(kNearBytes, strip.bytes - done)));
  }
}

/// A slot with this member's piece in it, and the point at which all members' pieces are in theirs.
struct Filled {
  size_t slot;
  uint32_t point;
};

template <typename Put>
Result<Filled> fill(HostGroup& group, Deadline deadline, Put put) {
  const auto slot = group.claimSlot(deadline);
  if (!slot.ok()) return slot.status();
  put(group.slot(group.index(), slot.value()));
  return Filled{slot.value(), group.arrive()};
}

Result<Filled> fill(HostGroup& group, std::span<const std::byte> piece, Deadline deadline) {
  return fill(group, deadline, [&](std::byte* slot) {
    if (!piece.empty()) std::memcpy(slot, piece.data(), piece.size());
  });
}

Status everyoneCombines(HostGroup& group, const Strips& strips, DType dtype, ReduceOp op, size_t pieceBytes,
                        std::chrono::milliseconds stallLimit) {
  const Phase phase("everyone combines");
  const Pieces pieces{strips.bytes(), pieceBytes};
  const auto give = [&](size_t i) {
    const Range piece = pieces[i];
    return fill(group, Deadline::in(stallLimit), [&](std::byte* slot) { copyInto(slot, piece.begin, strips, piece); });
  };
  alignas(64) std::array<std::byte, kNearBytes> taken;  // on its way to who takes results
  auto next = give(0);
  for (size_t i = 0; i < pieces.count(); ++i) {
    if (!next.ok()) return next.status();
    const Filled filled = next.value();
    if (i + 1 < pieces.count()) next = give(i + 1);
    if (Status s = group.awaitAll(filled.point, Deadline::in(stallLimit)); !s.ok()) return s;
    const Range piece = pieces[i];
    strips.within(piece.begin, piece.size(), [&](const Strip& strip) {
      const auto combine = [&](const Strip& part, std::byte* out) {
        combineSlots(group, filled.slot, part.offset - piece.begin, out, part.bytes, dtype, op);
      };
      if (!strip.take) return combine(strip, strip.output);
      inSteps(strip, [&](const Strip& step) {
        combine(step, taken.data());
        (*step.take)(step.begin, std::span(taken).first(step.bytes));
      });
    });
    group.releaseSlot(filled.slot);
  }
  return Status::okay();
}

// Three pieces are on their way at once, each at another stage, so that nobody waits for what another has just begun:
//   give:    the others' parts of the piece go into our slot;
//   combine: our own part of everyone's, over another's, and from there into the result;
//   collect: the others' parts, from where they have put them.
//
// Where members share cores, those of one core give together: one after the other adds the whole piece to what is in
// the slot of their first, which stays in that core's cache. So a core reads one sum of another's, and not the values
// of all its members (eight ranks on two cores take 0.85 of the time from 256 KB on).
class MemberParts {
 public:
  MemberParts(HostGroup& group, const Strips& strips, DType dtype, ReduceOp op, std::chrono::milliseconds stallLimit)
      : group_(group),
        together_(givingTogether(group, strips.bytes(), dtype)),
        pieces_{strips.bytes(), partsPiece(group, together_)},
        strips_(strips),
        streams_(strips.bytes() >= kStreamBytes),
        dtype_(dtype),
        op_(op),
        stallLimit_(stallLimit),
        inputs_(group.size() / together_) {}

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
    if (streams_) endStreams();
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
    const Range piece = pieces_[i];
    if (Status s = together_ == 1 ? giveOthersParts(piece, slot.value()) : giveTogether(piece, slot.value()); !s.ok())
      return s;
    onItsWay_[i % kSlots] = {slot.value(), group_.arrive(), 0};
    return Status::okay();
  }

  Status giveOthersParts(Range piece, size_t slot) {
    const Range own = part(piece, group_.index());
    copyInto(given(group_.index(), slot), piece.begin, strips_, {piece.begin, own.begin});
    copyInto(given(group_.index(), slot), piece.begin, strips_, {own.end, piece.end});
    return Status::okay();
  }

  Status giveTogether(Range piece, size_t slot) {
    std::byte* const into = given(group_.index() / together_, slot);
    if (group_.index() % together_ == 0) {
      copyInto(into, piece.begin, strips_, piece);
      return Status::okay();
    }
    const Deadline deadline = Deadline::in(stallLimit_);
    if (Status s = group_.await(group_.index() - 1, group_.nextPoint(), deadline); !s.ok()) return s;
    strips_.within(piece.begin, piece.size(), [&](const Strip& strip) {
      reduceInto(op_, dtype_, into + (strip.offset - piece.begin), strip.input, strip.bytes / elementSize(dtype_));
    });
    return Status::okay();
  }

  Status combineOwn(size_t i) {
    const Phase phase("combine");
    OnItsWay& way = onItsWay_[i % kSlots];
    if (Status s = group_.awaitAll(way.given, Deadline::in(stallLimit_)); !s.ok()) return s;
    const Range piece = pieces_[i];
    const Range own = part(piece, group_.index());
    strips_.within(own.begin, own.size(), [&](const Strip& strip) { combine(way.slot, strip, piece.begin); });
    way.combined = group_.arrive();
    return Status::okay();
  }

  Status collect(size_t i) {
    const Phase phase("collect");
    const OnItsWay& way = onItsWay_[i % kSlots];
    if (Status s = group_.awaitAll(way.combined, Deadline::in(stallLimit_)); !s.ok()) return s;
    const Range piece = pieces_[i];
    for (size_t next = 1; next < group_.size(); ++next) {
      const size_t member = (group_.index() + next) % group_.size();
      const std::byte* const from = resultsOf(member, way.slot);
      const Range theirs = part(piece, member);
      strips_.within(theirs.begin, theirs.size(),
                     [&](const Strip& strip) { put(strip, from + (strip.offset - piece.begin)); });
    }
    group_.releaseSlot(way.slot);
    return Status::okay();
  }

  /// All members' values, in steps that stay in the nearest cache until they are copied or taken.
  void combine(size_t slot, const Strip& strip, size_t pieceBegin) {
    inSteps(strip, [&](const Strip& step) {
      const size_t at = step.offset - pieceBegin;
      for (size_t giver = 0; giver < inputs_.size(); ++giver) inputs_[giver] = given(giver, slot) + at;
      if (together_ == 1) inputs_[group_.index()] = step.input;
      std::byte* const combined = resultsOf(group_.index(), slot) + at;
      combineMany(op_, dtype_, combined, inputs_, step.bytes / elementSize(dtype_), static_cast<int>(group_.size()));
      put(step, combined);
    });
  }

  /// Where a member, or the members of a core, give a piece.
  std::byte* given(size_t giver, size_t slot) const { return group_.slot(giver * together_, slot); }

  /// Where `member` puts what it combines: over values that it has just read of another. A line that its writer has
  /// changed moves to the core that reads it, so it can be changed there, and goes back the same way: two moves for
  /// values and results. In a slot of the member's own each result would first have to be fetched back from whoever
  /// read the last (1 MB on two ranks took 1.4 times as long). It is the first or the second of what is combined, as
  /// the kernels want of an output that is an input, too.
  std::byte* resultsOf(size_t member, size_t slot) const { return given(member < together_ ? 1 : 0, slot); }

  /// The strip's results.
  void put(const Strip& strip, const std::byte* results) const {
    if (strip.take) return (*strip.take)(strip.begin, {results, strip.bytes});
    if (streams_ && strip.input != strip.output) return streamCopy(strip.output, results, strip.bytes);
    std::memcpy(strip.output, results, strip.bytes);
  }

  /// The bytes of `piece` that `member` combines.
  Range part(Range piece, size_t member) const {
    const size_t element = elementSize(dtype_);
    const Range elements = chunk(piece.size() / element, group_.size(), member);
    return {piece.begin + elements.begin * element, piece.begin + elements.end * element};
  }

  HostGroup& group_;
  const size_t together_;  // members that give together
  const Pieces pieces_;
  const Strips& strips_;
  const bool streams_;
  const DType dtype_;
  const ReduceOp op_;
  const std::chrono::milliseconds stallLimit_;
  std::vector<const std::byte*> inputs_;
  std::array<OnItsWay, kSlots> onItsWay_{};
};

}  // namespace

Status hostAllreduce(HostGroup& group, HostWay way, const Strips& strips, DType dtype, ReduceOp op,
                     std::chrono::milliseconds stallLimit) {
  if (group.size() == 1 || strips.bytes() == 0) return Status::okay();
  const size_t slotBytes = group.layout().slotBytes;
  if (way == HostWay::kEveryone) {
    return everyoneCombines(group, strips, dtype, op, std::min(slotBytes, kEveryonePiece), stallLimit);
  }
  return MemberParts(group, strips, dtype, op, stallLimit).run();
}

Status hostAllreduce(HostGroup& group, HostWay way, std::span<std::byte> data, DType dtype, ReduceOp op,
                     std::chrono::milliseconds stallLimit) {
  if (data.empty()) return Status::okay();
  const Strip whole{0, data.size(), data.data(), data.data()};
  return hostAllreduce(group, way, Strips({&whole, 1}, data.size()), dtype, op, stallLimit);
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
