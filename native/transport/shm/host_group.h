#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "base/deadline.h"
#include "base/status.h"
#include "transport/agreement.h"
#include "transport/shm/shared_memory.h"

namespace tsring {

/// How much of each member's memory in the segment is for what. The same for all members.
struct HostLayout {
  size_t slotBytes;   // one of kSlots, where members put what others read
  size_t offerBytes;  // payload of one of two offers at the gate
};

/// The ranks of one host that share a segment, seen by one of them (member `index` of `size`).
///
/// Members go through the same sequence of sync points: each says that it has reached the next, and waits until all
/// have. Waiting spins briefly, gives the core away where there are more members than cores, and then sleeps on the
/// member's own doorbell, which whoever reaches a point rings when someone sleeps. One thread at a time, but for
/// interrupt().
class HostGroup {
 public:
  /// More than three pieces that are on their way. In memory that stays in a core's cache a fourth is enough; members
  /// that take turns on a core get further apart, and take a fifth.
  static constexpr size_t kSlots = 5;

  /// Bytes of shared memory that a group needs.
  static size_t segmentBytes(size_t size, const HostLayout& layout);

  HostGroup(SharedMemory memory, size_t index, size_t size, const HostLayout& layout);
  /// On `memory` of another owner, which outlives this: zero at first, and aligned to 128 bytes. All members in one
  /// process can share it as it is.
  HostGroup(std::span<std::byte> memory, size_t index, size_t size, const HostLayout& layout);

  size_t index() const { return index_; }
  size_t size() const { return size_; }
  const HostLayout& layout() const { return layout_; }

  /// Members that are bound to one core, which they share with no others: each core has so many, all neighbours, and
  /// there are two cores or more. 1 unless said, on all members alike, before their first collective.
  size_t membersACore() const { return membersACore_; }
  void shareCores(size_t membersACore) { membersACore_ = membersACore; }

  /// The slot `which` (0 to kSlots - 1) of a member, slotBytes long.
  std::byte* slot(size_t member, size_t which) const;

  /// The next slot that this member may fill, its own and, of what it has read there, others': in turn; waits until all
  /// have read what was in it. Every member claims slots in the same sequence, whether it has something to put there or
  /// not, and releases each once it has read what it wants. So nobody writes into a slot that another has not released.
  Result<size_t> claimSlot(Deadline deadline);
  void releaseSlot(size_t which) { freeAt_[which] = point_ + 1; }

  /// Says that this member has reached its next sync point, and gives that point's number.
  uint32_t arrive();
  /// Blocks until all members have reached `point`. Fails with kTimeout at the deadline (none has come for so long),
  /// kShutDown once interrupted.
  Status awaitAll(uint32_t point, Deadline deadline);
  /// The same for one member.
  Status await(size_t member, uint32_t point, Deadline deadline);
  /// The number of the point that arrive() will say.
  uint32_t nextPoint() const { return point_ + 1; }

  /// Makes the present and every later wait fail. Any thread.
  void interrupt();
  bool interrupted() const { return interrupted_.load(std::memory_order_seq_cst); }

  // For the gate, which waits in the same way.

  /// What a member shows the others at the gate: its word, and in the same line of cache, so that it comes to them in
  /// one go, the two offers; of payloads only short ones.
  struct alignas(128) GateMember {
    static constexpr size_t kShortPayload = 16;
    std::atomic<uint64_t> word;
    std::array<uint64_t, 2> fingerprints;
    std::array<std::array<std::byte, kShortPayload>, 2> payloads;
    alignas(64) std::atomic<uint32_t> busy;
  };
  GateMember& gateMember(size_t member) const { return line(member)->gate; }
  /// The offer of a member whose payload has `bytes`.
  Offer readOffer(size_t member, size_t which, size_t bytes) const;
  void writeOffer(size_t which, const Offer& offer);

  /// Waits until `ready()`. Ends with kTimeout or kShutDown as awaitAll.
  template <typename Ready>
  Status waitUntil(Ready ready, Deadline deadline) {
    return watchFor(ready) ? Status::okay() : sleepUntil(ready, deadline);
  }
  /// The same with a clock that is not looked at unless there is nothing for it but to sleep.
  template <typename Ready>
  Status waitUntil(Ready ready, std::chrono::milliseconds patience) {
    return watchFor(ready) ? Status::okay() : sleepUntil(ready, Deadline::in(patience));
  }
  /// Wakes the members that sleep in waitUntil.
  void ringDoorbells();

 private:
  struct alignas(128) Line {
    std::atomic<uint32_t> reached;
    std::atomic<int32_t> core;  // where the member was last seen, counted from 1
    alignas(128) std::atomic<uint32_t> bell;
    std::atomic<uint32_t> sleeping;
    GateMember gate;
  };

  static size_t memberBytes(const HostLayout& layout);
  Line* line(size_t member) const { return reinterpret_cast<Line*>(memory_.data()) + member; }
  std::byte* data(size_t member) const;
  std::byte* payload(size_t member, size_t which, size_t bytes) const;
  template <typename Ready>
  bool watchFor(Ready& ready);
  template <typename Ready>
  Status sleepUntil(Ready& ready, Deadline deadline);
  int spins();
  void relax(int round, int spins);
  void sayWhereWeAre();
  bool hasCoreToItself();
  void leaveSharedCore();
  void sleepOnBell(uint32_t bell, Deadline deadline);

  SharedMemory owned_;  // empty where the memory is another's
  const std::span<std::byte> memory_;
  const size_t index_;
  const size_t size_;
  const HostLayout layout_;
  const bool bound_;        // this member is kept on one core
  const bool coreForEach_;  // there are as many cores as members
  const int yields_;
  size_t membersACore_ = 1;
  std::optional<bool> hasCoreToItself_;  // of a bound member; once all have said where they are
  int32_t core_ = 0;                     // where we said that we are
  Clock::time_point movedAt_{};
  uint32_t point_ = 0;
  size_t claims_ = 0;
  std::array<uint32_t, kSlots>
      freeAt_{};  // the sync point that follows this member's last look at the slot: the same on all
  std::atomic<bool> interrupted_ = false;
};

template <typename Ready>
bool HostGroup::watchFor(Ready& ready) {
  if (ready()) return true;
  const int spinning = spins();
  for (int round = 0; round < spinning + yields_; ++round) {
    relax(round, spinning);
    if (ready()) return true;
  }
  return false;
}

template <typename Ready>
Status HostGroup::sleepUntil(Ready& ready, Deadline deadline) {
  Line& own = *line(index_);
  for (;;) {
    if (interrupted()) return Status(StatusCode::kShutDown, "interrupted");
    const uint32_t bell = own.bell.load(std::memory_order_seq_cst);
    // Either whoever makes us ready sees that we sleep and rings, or we see here that it has.
    own.sleeping.store(1, std::memory_order_seq_cst);
    const bool done = ready();
    const bool late = !done && deadline.passed();
    if (!done && !late && !interrupted()) sleepOnBell(bell, deadline);
    own.sleeping.store(0, std::memory_order_relaxed);
    if (done) return Status::okay();
    if (late) return Status(StatusCode::kTimeout, "timed out");
  }
}

}  // namespace tsring
