#include "transport/shm/gate.h"

namespace tsring {
namespace {

/// The gate's word, taken apart.
struct Round {
  uint32_t number;
  uint16_t came;
  uint16_t history;  // bit i: the last round whose number is i modulo 16 was passed

  static Round of(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32), static_cast<uint16_t>(word >> 16), static_cast<uint16_t>(word)};
  }
  uint64_t word() const { return uint64_t{number} << 32 | uint64_t{came} << 16 | history; }
  bool passed(uint32_t round) const { return history >> (round % 16) & 1; }
  Round ended(bool passes) const {
    const auto bit = static_cast<uint16_t>(1 << (number % 16));
    return {number + 1, 0, static_cast<uint16_t>(passes ? history | bit : history & ~bit)};
  }
};

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
  auto& state = group_.gate().state;
  uint64_t word = state.load(std::memory_order_seq_cst);
  uint32_t number;
  bool last;
  for (;;) {
    const Round round = Round::of(word);
    number = round.number;
    last = round.came + 1U == group_.size();
    const Round next =
        last ? round.ended(true) : Round{round.number, static_cast<uint16_t>(round.came + 1), round.history};
    if (state.compare_exchange_weak(word, next.word(), std::memory_order_seq_cst)) break;
  }
  if (last) {
    group_.ringDoorbells();
  } else {
    // Whoever turned busy before it could see us here has told us so: one of us sees the other.
    if (anyoneBusy()) decline(number);
    const auto ended = [&] { return Round::of(state.load(std::memory_order_seq_cst)).number != number; };
    if (!group_.waitUntil(ended, Deadline::in(patience_)).ok()) decline(number);
    if (!Round::of(state.load(std::memory_order_seq_cst)).passed(number)) return false;
  }
  ++passed_;
  return true;
}

void Gate::busy() {
  group_.gateMember(group_.index()).busy.fetch_add(1, std::memory_order_seq_cst);
  const Round round = Round::of(group_.gate().state.load(std::memory_order_seq_cst));
  if (round.came > 0) decline(round.number);
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

// Ends round `number` as declined, unless it has ended.
void Gate::decline(uint32_t number) {
  auto& state = group_.gate().state;
  uint64_t word = state.load(std::memory_order_seq_cst);
  for (Round round = Round::of(word); round.number == number; round = Round::of(word)) {
    if (!state.compare_exchange_weak(word, round.ended(false).word(), std::memory_order_seq_cst)) continue;
    return group_.ringDoorbells();
  }
}

}  // namespace tsring
