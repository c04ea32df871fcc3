#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

namespace tsring {

/// How n ranks tell each other something in ceil(log2 n) rounds, for any n (Hensgen, Finkel, Manber: Two algorithms for
/// barrier synchronization, 1988; Bruck et al.: Efficient algorithms for all-to-all communications, IEEE TPDS 8, 1997).
/// In round k a rank sends what it has gathered to the rank 2^k places after it, and gets as much from the one 2^k
/// places before it:
///
///     rank     0        1        2        3        4
///     round 0  0 4      1 0      2 1      3 2      4 3
///     round 1  0 4 3 2  1 0 4 3  2 1 0 4  3 2 1 0  4 3 2 1
///     round 2  and the one that is left
///
/// So what it gathers are the contributions of itself, of the rank before it, and so on, each once. Over one link no
/// two messages go the same way.
class Dissemination {
 public:
  struct Round {
    size_t to;
    size_t from;
    size_t contributions;  // that go each way: the first ones that a rank has gathered
    bool operator==(const Round&) const = default;
  };

  constexpr Dissemination(size_t rank, size_t size) : rank_(rank), size_(size) {}

  constexpr size_t rounds() const { return static_cast<size_t>(std::bit_width(size_ - 1)); }
  constexpr Round round(size_t k) const {
    const size_t distance = size_t{1} << k;
    return {(rank_ + distance) % size_, (rank_ + size_ - distance) % size_, std::min(distance, size_ - distance)};
  }
  /// The place of `other`'s contribution among those that we gather; 0 is our own.
  constexpr size_t placeOf(size_t other) const { return (rank_ + size_ - other) % size_; }

 private:
  size_t rank_;
  size_t size_;
};

}  // namespace tsring
