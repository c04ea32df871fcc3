#include "engine/stall_watch.h"

#include <gtest/gtest.h>

#include "engine/clock_offset.h"
#include "engine/desync_report.h"
#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

const std::vector<std::string> kNames{"rank 0", "rank 1", "rank 2"};

TEST(StallWatch, TellsOfAnOperationOnceAndAgainWhenItsNameIsUsedAnew) {
  StallWatch watch(3, milliseconds(100));
  const auto start = Clock::now();
  const Incomplete late{"allreduce \"x\"", start, {1}, {0, 2}, "x"};
  EXPECT_TRUE(watch.newlyStalled({late}, start + milliseconds(99)).empty());
  const auto stalled = watch.newlyStalled({late}, start + milliseconds(100));
  ASSERT_EQ(stalled.size(), 1U);
  EXPECT_EQ(describe(stalled, kNames), "allreduce \"x\": rank 1 has not asked for it, rank 0, rank 2 have");
  EXPECT_TRUE(watch.newlyStalled({late}, start + milliseconds(500)).empty());
  EXPECT_TRUE(watch.newlyStalled({}, start + milliseconds(600)).empty());  // they came
  EXPECT_EQ(watch.newlyStalled({late}, start + milliseconds(700)).size(), 1U);
}

TEST(StallWatch, KnowsOfCallsOnTheShortWayWhatTheirRanksTold) {
  StallWatch watch(3, milliseconds(100));
  const auto start = Clock::now();
  watch.waits(0, "x", "barrier \"x\"", start);
  watch.waits(2, "x", "barrier \"x\"", start + milliseconds(10));
  const auto stalled = watch.newlyStalled({}, start + milliseconds(120));
  ASSERT_EQ(stalled.size(), 1U);
  EXPECT_EQ(stalled[0].missing, std::vector{1});
  EXPECT_EQ(stalled[0].waiting, (std::vector{0, 2}));
  watch.waitsNoMore(0);
  watch.waitsNoMore(2);
  EXPECT_TRUE(watch.newlyStalled({}, start + milliseconds(500)).empty());
}

TEST(StallWatch, IsOffWithoutATime) {
  StallWatch watch(2, milliseconds(0));
  EXPECT_TRUE(watch.newlyStalled({{"barrier \"x\"", Clock::now(), {1}, {0}, "x"}}, Clock::now()).empty());
}

TEST(DesyncReport, TellsTogetherOfRanksThatAreAtTheSameAndOfThoseThatAreSilent) {
  DesyncReport report(Status(StatusCode::kTimeout, "too late"), 4, Deadline::in(milliseconds(10)));
  report.answer(0, "waits for allreduce \"x\"");
  report.answer(3, "waits for allreduce \"x\"");
  report.answer(1, "waits for nothing");
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.finish({"a", "b", "c", "d"}).message(),
            "too late; a, d: waits for allreduce \"x\"; b: waits for nothing; c: does not answer");
}

// A clock that is 5 s ahead, over a way that sometimes takes longer there than back.
TEST(ClockOffset, GoesByTheQuickestOfTheLatestExchanges) {
  ClockOffset clock;
  EXPECT_EQ(clock.value().count(), 0);
  const auto ahead = std::chrono::seconds(5);
  auto now = Clock::now();
  for (const int there : {900, 100, 4000, 700}) {
    const auto back = microseconds(100);
    clock.add(now, (now + microseconds(there)).time_since_epoch() + ahead, now + microseconds(there) + back);
    now += milliseconds(1);
  }
  EXPECT_EQ(clock.value(), std::chrono::nanoseconds(ahead));
  for (int i = 0; i < 8; ++i) {  // it has drifted: what was quick long ago no longer counts
    clock.add(now, (now + microseconds(300)).time_since_epoch() + ahead * 2, now + microseconds(600));
  }
  EXPECT_EQ(clock.value(), std::chrono::nanoseconds(ahead * 2));
}

}  // namespace
}  // namespace tsring
