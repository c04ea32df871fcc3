#include "base/deadline.h"

#include <gtest/gtest.h>

namespace tsring {
namespace {

using std::chrono::milliseconds;

TEST(Deadline, PassesAtItsMomentAndNotBefore) {
  EXPECT_TRUE(Deadline(Clock::now()).passed());
  EXPECT_FALSE(Deadline::in(std::chrono::hours(1)).passed());
}

TEST(Deadline, ThePollTimeoutIsRoundedUpSoThatZeroMeansPassed) {
  EXPECT_EQ(Deadline(Clock::now() - milliseconds(5)).pollTimeoutMs(), 0);
  const Deadline soon = Deadline::in(milliseconds(3));
  while (soon.pollTimeoutMs() > 0) continue;
  EXPECT_TRUE(soon.passed());
}

TEST(Deadline, AVeryFarOneDoesNotOverflow) {
  EXPECT_GT(Deadline::in(std::chrono::hours(24 * 365)).pollTimeoutMs(), 1'000'000'000);
}

TEST(Deadline, EarlierTakesTheFirstOfTwo) {
  const Deadline first = Deadline::in(milliseconds(1));
  const Deadline second = Deadline::in(std::chrono::hours(1));
  EXPECT_EQ(first.earlier(second).at(), first.at());
  EXPECT_EQ(second.earlier(first).at(), first.at());
}

}  // namespace
}  // namespace tsring
