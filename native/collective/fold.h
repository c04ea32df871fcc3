#pragma once

#include <bit>
#include <cstddef>
#include <span>

#include "collective/pairwise.h"
#include "collective/team.h"

namespace tsring {

/// How algorithms that double or halve run with any number of ranks (Thakur, Rabenseifner, Gropp: Optimization of
/// collective communication operations in MPICH, IJHPCA 19, 2005). Of the first ranks so many pairs are made that one
/// rank a pair and the rest are a power of two. In each pair the rank with the even place in the team hands its data to
/// the odd one, which takes part for both, and gets the result in the end.
///
///     n = 6:   0 -> 1   2 -> 3   4   5        before
///                1        3      4   5        take part, as seats 0 1 2 3
///     n = 6:   0 <- 1   2 <- 3   4   5        after
///
/// Seats keep the team's order: what a lower seat has gathered comes from lower places.
class Fold {
 public:
  explicit Fold(const Team& team) : team_(team), seats_(std::bit_floor(team.size())), pairs_(team.size() - seats_) {}

  /// A power of two.
  size_t seats() const { return seats_; }
  /// Whether we are one of a pair.
  bool paired() const { return team_.index < 2 * pairs_; }
  /// Whether we only hand in and get back.
  bool sitsOut() const { return paired() && team_.index % 2 == 0; }
  /// Our seat, when we have one.
  size_t seat() const { return team_.index < 2 * pairs_ ? team_.index / 2 : team_.index - pairs_; }
  int rankAt(size_t seat) const { return team_.ranks[seat < pairs_ ? 2 * seat + 1 : seat + pairs_]; }

  /// Before: the data of pairs come together.
  Status handIn(const PairLink& link, std::span<std::byte> data, const Reduction& reduction) const {
    if (team_.index >= 2 * pairs_) return Status::okay();
    if (sitsOut()) return exchange(link, partner(), data, {});
    return exchangeAndCombine(link, partner(), {}, data, reduction, OnTheLeft::kTheirs);
  }
  /// After: the result goes to those who sat out.
  Status handBack(const PairLink& link, std::span<std::byte> data) const {
    if (team_.index >= 2 * pairs_) return Status::okay();
    return sitsOut() ? exchange(link, partner(), {}, data) : exchange(link, partner(), data, {});
  }

 private:
  int partner() const { return team_.ranks[team_.index ^ 1]; }

  const Team& team_;
  const size_t seats_;
  const size_t pairs_;
};

}  // namespace tsring
