#include "transport/shm/host_group.h"

#include <sched.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <thread>

#include "base/move_thread.h"
#include "transport/shm/futex.h"

namespace tsring {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLine = 128;
constexpr std::chrono::milliseconds kBetweenMoves{2};

size_t roundUp(size_t bytes, size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

// Of a rank that is bound to one core that is one, though others have cores of their own.
size_t coresForUs() {
#ifdef __linux__
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
#endif
  return std::max(1U, std::thread::hardware_concurrency());
}

void pauseCore() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

HostGroup::HostGroup(SharedMemory memory, size_t index, size_t size, const HostLayout& layout)
    : HostGroup(memory.bytes(), index, size, layout) {
  owned_ = std::move(memory);
}

// A member watches for half a microsecond, which is how long another core needs to answer. Then it gives its core away
// at each look, also where there are cores for all: the system does put two members on one core, and there a waiting
// member that does not let go keeps the other from coming (measured with other work on the machine: 50 us instead of
// 2). To sleep and be woken costs tens of microseconds, so it is put off for about the time that this costs.
HostGroup::HostGroup(std::span<std::byte> memory, size_t index, size_t size, const HostLayout& layout)
    : memory_(memory),
      index_(index),
      size_(size),
      layout_(layout),
      bound_(coresForUs() == 1),
      coreForEach_(size <= coresForUs()),
      yields_(coreForEach_ ? 500 : 200) {
  assert(memory_.size() >= segmentBytes(size, layout));
}

size_t HostGroup::memberBytes(const HostLayout& layout) {
  return roundUp(kSlots * layout.slotBytes + 2 * roundUp(layout.offerBytes, kLine), kPage);
}

size_t HostGroup::segmentBytes(size_t size, const HostLayout& layout) {
  return roundUp(size * sizeof(Line), kPage) + size * memberBytes(layout);
}

std::byte* HostGroup::data(size_t member) const {
  return memory_.data() + roundUp(size_ * sizeof(Line), kPage) + member * memberBytes(layout_);
}

std::byte* HostGroup::slot(size_t member, size_t which) const {
  return data(member) + which * layout_.slotBytes;
}

// Where a member's payload of `bytes` is.
std::byte* HostGroup::payload(size_t member, size_t which, size_t bytes) const {
  if (bytes <= GateMember::kShortPayload) return gateMember(member).payloads[which].data();
  return data(member) + kSlots * layout_.slotBytes + which * roundUp(layout_.offerBytes, kLine);
}

Offer HostGroup::readOffer(size_t member, size_t which, size_t bytes) const {
  return {gateMember(member).fingerprints[which], {payload(member, which, bytes), bytes}};
}

void HostGroup::writeOffer(size_t which, const Offer& own) {
  sayWhereWeAre();
  gateMember(index_).fingerprints[which] = own.fingerprint;
  const size_t bytes = own.payload.size();
  if (bytes > 0) std::memcpy(payload(index_, which, bytes), own.payload.data(), bytes);
}

Result<size_t> HostGroup::claimSlot(Deadline deadline) {
  const size_t which = claims_++ % (membersACore_ == 1 ? kSlots - 1 : kSlots);
  if (static_cast<int32_t>(freeAt_[which] - point_) > 0) arrive();
  if (Status s = awaitAll(freeAt_[which], deadline); !s.ok()) return s;
  return which;
}

uint32_t HostGroup::arrive() {
  sayWhereWeAre();
  line(index_)->reached.store(++point_, std::memory_order_seq_cst);
  ringDoorbells();
  return point_;
}

Status HostGroup::awaitAll(uint32_t point, Deadline deadline) {
  for (size_t member = 0; member < size_; ++member) {
    if (Status s = await(member, point, deadline); !s.ok()) return s;
  }
  return Status::okay();
}

Status HostGroup::await(size_t member, uint32_t point, Deadline deadline) {
  // Numbers wrap around: later is what is less than half a turn ahead.
  const auto reached = [&] {
    return static_cast<int32_t>(line(member)->reached.load(std::memory_order_seq_cst) - point) >= 0;
  };
  return waitUntil(reached, deadline);
}

void HostGroup::ringDoorbells() {
  for (size_t member = 0; member < size_; ++member) {
    Line& other = *line(member);
    if (member == index_ || other.sleeping.load(std::memory_order_seq_cst) == 0) continue;
    other.bell.fetch_add(1, std::memory_order_seq_cst);
    futexWake(other.bell);
  }
}

void HostGroup::interrupt() {
  interrupted_.store(true, std::memory_order_seq_cst);
  line(index_)->bell.fetch_add(1, std::memory_order_seq_cst);
  futexWake(line(index_)->bell);
}

// Looks before the core is given away.
int HostGroup::spins() {
  return coreForEach_ || hasCoreToItself() ? 20 : 1;
}

void HostGroup::relax(int round, int spins) {
  if (round < spins) return pauseCore();
  if (round == spins && coreForEach_) leaveSharedCore();
  ::sched_yield();
}

// Whether this member is bound to a core on which no other was seen.
bool HostGroup::hasCoreToItself() {
  if (!bound_) return false;
  if (hasCoreToItself_) return *hasCoreToItself_;
  sayWhereWeAre();
  bool alone = true;
  for (size_t member = 0; member < size_; ++member) {
    const int core = line(member)->core.load(std::memory_order_relaxed);
    if (core == 0) return false;  // it has not said so yet
    if (member != index_ && core == core_) alone = false;
  }
  hasCoreToItself_ = alone;
  return alone;
}

#ifdef __linux__

// Written only where it is news: others read this line while they wait.
void HostGroup::sayWhereWeAre() {
  const int core = ::sched_getcpu() + 1;
  if (core == core_) return;
  core_ = core;
  line(index_)->core.store(core, std::memory_order_relaxed);
}

// Two members that give one core to each other look busy to the system but never too many for it, and stay there for
// seconds while another core idles (measured: 4 bytes in 10 us instead of 2, 16 MB in 4.9 ms instead of 2.0). So one
// that waits steps aside: off the cores of all others for a moment, then free again to be anywhere. Not where there are
// more members than cores: there all would step to the same core, and back.
void HostGroup::leaveSharedCore() {
  sayWhereWeAre();
  cpu_set_t apart;
  std::memset(&apart, 0xff, sizeof apart);
  bool shared = false;
  for (size_t member = 0; member < size_; ++member) {
    const int core = line(member)->core.load(std::memory_order_relaxed);
    if (member == index_ || core < 1 || core > CPU_SETSIZE) continue;
    CPU_CLR(core - 1, &apart);
    shared |= core == core_;
  }
  const auto now = Clock::now();
  if (!shared || now - movedAt_ < kBetweenMoves) return;
  movedAt_ = now;
  moveThisThreadTo(apart);
}

#else

void HostGroup::sayWhereWeAre() {}
void HostGroup::leaveSharedCore() {}

#endif

void HostGroup::sleepOnBell(uint32_t bell, Deadline deadline) {
  futexWait(line(index_)->bell, bell, deadline);
}

}  // namespace tsring
