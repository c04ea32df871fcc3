#include "transport/shm/gate.h"

#include <optional>

namespace tsring {

/// A member's word, taken apart.
struct Gate::Round {
  uint32_t number;   // that the member has come to
  bool declined;     // it has not: the round was over before
  uint16_t history;  // bit i: of the rounds before, the last whose number is i modulo 16 was passed

  static Round of(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32), (word >> 16 & 1) != 0, static_cast<uint16_t>(word)};
  }
  uint64_t word() const { return uint64_t{number} << 32 | uint64_t{declined} << 16 | history; }
  /// Numbers wrap around: later is what is less than half a turn ahead.
  bool isBefore(uint32_t other) const { return static_cast<int32_t>(number - other) < 0; }
  bool passed(uint32_t round) const { return history >> (round % 16) & 1; }
};

namespace {

uint16_t remember(uint16_t history, uint32_t round, bool passed) {
  const auto bit = static_cast<uint16_t>(1 << (round % 16));
  return static_cast<uint16_t>(passed ? history | bit : history & ~bit);
}

}  // namespace

Result<bool> Gate::tryPass(const Offer& own) {
  if (group_.interrupted() || anyoneBusy() || !pass(own)) return false;
  for (size_t member = 0; member < group_.size(); ++member) {
    if (offerOf(member).fingerprint != own.fingerprint) return false;
  }
  return true;
}

// True when the round was passed.
bool Gate::pass(const Offer& own) {
  // Offers alternate by rounds passed: what was offered two passed rounds ago has been read by all, for all came to the
  // one in between.
  group_.writeOffer(passed_ % 2, own);
  bytes_ = own.payload.size();
  const uint32_t number = come();
  // Member after member: who declines writes into the words of all that have not come.
  size_t next = 0;
  std::optional<bool> passed;
  const auto ended = [&] {
    for (; next < group_.size(); ++next) {
      const Round other = roundOf(next);
      if (other.isBefore(number)) return false;
      if (other.number != number) {  // it is further on, and knows how this round ended
        passed = other.passed(number);
        return true;
      }
      if (other.declined) {
        passed = false;
        return true;
      }
    }
    passed = true;
    return true;
  };
  const Round round{number, false, history_};
  if (ended()) {
    group_.ringDoorbells();  // we may be who the others wait for
  } else {
    // Whoever turned busy before it could see us here has told us so: one of us sees the other.
    if (anyoneBusy()) decline(round);
    if (!group_.waitUntil(ended, patience_).ok()) {
      decline(round);
      ended();
    }
  }
  if (*passed) {
    ++passed_;
  } else {
    decline(round);  // by now it may have been written into some words only
  }
  history_ = remember(history_, number, *passed);
  return *passed;
}

// Gives the number of the round that this member has come to, the first that was not declined before it came.
uint32_t Gate::come() {
  auto& word = group_.gateMember(group_.index()).word;
  uint64_t seen = word.load(std::memory_order_relaxed);
  for (;;) {
    const Round last = Round::of(seen);
    if (last.declined) history_ = remember(last.history, last.number, false);
    const Round next{last.number + 1, false, history_};
    if (word.compare_exchange_weak(seen, next.word(), std::memory_order_seq_cst)) return next.number;
  }
}

void Gate::busy() {
  group_.gateMember(group_.index()).busy.fetch_add(1, std::memory_order_seq_cst);
  Round newest = roundOf(0);
  for (size_t member = 1; member < group_.size(); ++member) {
    const Round round = roundOf(member);
    if (newest.isBefore(round.number)) newest = round;
  }
  decline(newest);
}

void Gate::idle() {
  group_.gateMember(group_.index()).busy.fetch_sub(1, std::memory_order_seq_cst);
}

bool Gate::anyoneBusy() const {
  for (size_t member = 0; member < group_.size(); ++member) {
    if (group_.gateMember(member).busy.load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

Gate::Round Gate::roundOf(size_t member) const {
  return Round::of(group_.gateMember(member).word.load(std::memory_order_seq_cst));
}

// Ends a round as declined, unless all have come to it: nobody who has not can do so from now on.
void Gate::decline(const Round& round) {
  const uint64_t declined = Round{round.number, true, round.history}.word();
  bool changed = false;
  for (size_t member = 0; member < group_.size(); ++member) {
    auto& word = group_.gateMember(member).word;
    uint64_t seen = word.load(std::memory_order_seq_cst);
    while (Round::of(seen).isBefore(round.number)) {
      if (!word.compare_exchange_weak(seen, declined, std::memory_order_seq_cst)) continue;
      changed = true;
      break;
    }
  }
  if (changed) group_.ringDoorbells();
}

}  // namespace tsring
