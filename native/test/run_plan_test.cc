#include "engine/run_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace tsring {
namespace {

constexpr NarrowUnit kSingle{1, 2, 64};
constexpr NarrowUnit kBlocks{256, 260, 260};

TEST(RunPlan, TakesEveryElementOnceInOrderInBucketsOfTheSizeThatIsAllowed) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const NarrowUnit unit = seed % 2 ? kSingle : kBlocks;
    std::vector<size_t> counts(random() % 20);
    for (size_t& count : counts) count = random() % 3 ? random() % 3000 : 0;
    const size_t threshold = random() % 4 ? random() % 4000 : 0;
    std::vector<size_t> taken(counts.size(), 0);
    size_t tensor = 0;
    for (const RunBucket& bucket : planRuns(counts, unit, threshold)) {
      ASSERT_TRUE(bucket.bytes <= threshold || bucket.runs.size() == 1);
      ASSERT_TRUE(threshold == 0 || bucket.bytes <= std::max(threshold, unit.bytes));
      size_t end = 0;
      for (const TensorRun& run : bucket.runs) {
        ASSERT_GE(run.tensor, tensor);
        tensor = run.tensor;
        ASSERT_EQ(run.begin, taken[tensor]);
        ASSERT_EQ(run.begin % unit.elements, 0u);
        taken[tensor] += run.count;
        ASSERT_EQ(run.offset % unit.alignment, 0u);
        ASSERT_GE(run.offset, end);
        end = run.offset + unit.bytesOf(run.count);
      }
      ASSERT_LE(end, bucket.bytes);
    }
    ASSERT_EQ(taken, counts);
  }
}

TEST(RunPlan, ATensorThatIsLargerThanABucketSharesNone) {
  const size_t counts[] = {10, 100, 10, 10};
  const auto buckets = planRuns(counts, kSingle, 128);
  ASSERT_EQ(buckets.size(), 4u);
  EXPECT_EQ(buckets[0].runs.size(), 1u);
  EXPECT_EQ(buckets[1].bytes, 128u);
  EXPECT_EQ(buckets[2].bytes, 72u);  // the rest of it: nothing follows, and so nothing pads
  EXPECT_EQ(buckets[3].runs.size(), 2u);
  EXPECT_EQ(planRuns(counts, kSingle, 0).size(), 4u);
}

}  // namespace
}  // namespace tsring
