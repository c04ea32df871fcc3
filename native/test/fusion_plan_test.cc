#include "engine/fusion_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace tsring {
namespace {

TEST(FusionPlan, LaysEveryTensorOnceInOrderWithoutOverlap) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<size_t> sizes(random() % 40);
    for (auto& size : sizes) size = random() % 3 ? random() % 500 : 0;
    const size_t threshold = 64 * (random() % 30);
    const FusionPlan plan = planFusion(sizes, threshold);

    ASSERT_EQ(plan.offsets.size(), sizes.size());
    size_t nextTensor = 0;
    size_t nextOffset = 0;
    for (const Bucket& bucket : plan.buckets) {
      ASSERT_EQ(bucket.firstTensor, nextTensor);
      ASSERT_EQ(bucket.offset, nextOffset);
      ASSERT_GT(bucket.endTensor, bucket.firstTensor);
      ASSERT_TRUE(bucket.bytes <= threshold || bucket.endTensor - bucket.firstTensor == 1);
      for (size_t i = bucket.firstTensor; i < bucket.endTensor; ++i) {
        ASSERT_EQ(plan.offsets[i] % 64, 0u);
        ASSERT_GE(plan.offsets[i], i == bucket.firstTensor ? bucket.offset : plan.offsets[i - 1] + sizes[i - 1]);
        ASSERT_LE(plan.offsets[i] + sizes[i], bucket.offset + bucket.bytes);
      }
      nextTensor = bucket.endTensor;
      nextOffset = bucket.offset + bucket.bytes;
    }
    ASSERT_EQ(nextTensor, sizes.size());
    ASSERT_EQ(nextOffset, plan.bytes);
  }
}

TEST(FusionPlan, FillsABucketAsLongAsTensorsFit) {
  const size_t sizes[] = {64, 64, 64, 1000, 1, 64};
  const FusionPlan plan = planFusion(sizes, 128);
  ASSERT_EQ(plan.buckets.size(), 4u);
  EXPECT_EQ(plan.buckets[0].endTensor, 2u);
  EXPECT_EQ(plan.buckets[1].endTensor, 3u);
  EXPECT_EQ(plan.buckets[2].endTensor, 4u);  // larger than a bucket: one of its own
  EXPECT_EQ(plan.buckets[3].endTensor, 6u);
}

TEST(FusionPlan, NoTensorsNeedNothing) {
  EXPECT_EQ(planFusion({}, 64).bytes, 0u);
  EXPECT_TRUE(planFusion({}, 64).buckets.empty());
}

}  // namespace
}  // namespace tsring
