#include "collective/through_slots.h"

#include <cstring>

namespace tsring {

Status throughSlots(HostGroup& group, size_t count, std::chrono::milliseconds stallLimit,
                    const std::function<void(size_t piece, std::byte* slot)>& fill,
                    const std::function<void(size_t piece, size_t slot)>& use, const std::function<Status()>& between) {
  struct Filled {
    size_t slot;
    uint32_t point;
  };
  const auto fillNext = [&](size_t piece) -> Result<Filled> {
    const auto slot = group.claimSlot(Deadline::in(stallLimit));
    if (!slot.ok()) return slot.status();
    fill(piece, group.slot(group.index(), slot.value()));
    return Filled{slot.value(), group.arrive()};
  };
  if (count == 0) return Status::okay();
  auto next = fillNext(0);
  for (size_t piece = 0; piece < count; ++piece) {
    if (!next.ok()) return next.status();
    const Filled filled = next.value();
    if (piece + 1 < count) next = fillNext(piece + 1);
    if (Status s = group.awaitAll(filled.point, Deadline::in(stallLimit)); !s.ok()) return s;
    use(piece, filled.slot);
    group.releaseSlot(filled.slot);
    if (Status s = between(); !s.ok()) return s;
  }
  return Status::okay();
}

void copy(std::byte* to, std::span<const std::byte> from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

}  // namespace tsring
