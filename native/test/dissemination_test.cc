#include "transport/dissemination.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace tsring {
namespace {

/// What each rank of `size` has gathered after the first `rounds` rounds: whose contributions, in their order.
std::vector<std::vector<size_t>> gatheredAfter(size_t rounds, size_t size) {
  std::vector<std::vector<size_t>> gathered(size);
  for (size_t rank = 0; rank < size; ++rank) gathered[rank] = {rank};
  for (size_t k = 0; k < rounds; ++k) {
    const auto before = gathered;
    for (size_t rank = 0; rank < size; ++rank) {
      const auto [to, from, contributions] = Dissemination(rank, size).round(k);
      EXPECT_EQ(Dissemination(to, size).round(k).from, rank);
      EXPECT_LE(contributions, before[from].size());
      const auto first = before[from].begin();
      gathered[rank].insert(gathered[rank].end(), first, first + static_cast<std::ptrdiff_t>(contributions));
    }
  }
  return gathered;
}

TEST(Dissemination, GathersEveryContributionOnceWhereItSays) {
  for (size_t size = 1; size <= 70; ++size) {
    const size_t rounds = Dissemination(0, size).rounds();
    EXPECT_LT(size, 2U << rounds);
    EXPECT_TRUE(rounds == 0 || size > 1U << (rounds - 1));
    const auto gathered = gatheredAfter(rounds, size);
    for (size_t rank = 0; rank < size; ++rank) {
      ASSERT_EQ(gathered[rank].size(), size);
      for (size_t other = 0; other < size; ++other) {
        EXPECT_EQ(gathered[rank][Dissemination(rank, size).placeOf(other)], other);
      }
    }
  }
}

TEST(Dissemination, SendsOneMessageEachWayOverALinkAtMost) {
  for (size_t size = 2; size <= 70; ++size) {
    const Dissemination own(size / 2, size);
    std::set<size_t> to;
    std::set<size_t> from;
    for (size_t k = 0; k < own.rounds(); ++k) {
      to.insert(own.round(k).to);
      from.insert(own.round(k).from);
    }
    EXPECT_EQ(to.size(), own.rounds());
    EXPECT_EQ(from.size(), own.rounds());
    EXPECT_FALSE(to.contains(size / 2));
  }
}

}  // namespace
}  // namespace tsring
