#include "kernel/take_largest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace tsring {
namespace {

struct Taken {
  std::vector<int32_t> indices;
  std::vector<float> values;
};

Taken take(std::vector<float>& owed, const std::vector<float>& added, size_t count) {
  Taken taken{std::vector<int32_t>(count), std::vector<float>(count)};
  takeLargest(owed, added, taken.indices, taken.values);
  return taken;
}

TEST(TakeLargest, TakesWhatASortWouldPutFirst) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const size_t count = 1 + random() % 500;
    std::vector<float> owed(count), added(count), sums;
    // Few different numbers in every other round, so that many are equal.
    for (float& value : owed) value = static_cast<float>(random() % 7) - 3;
    for (float& value : added) {
      value = round % 2 ? std::ldexp(static_cast<float>(random()), -40) : static_cast<float>(random() % 5);
    }
    for (size_t i = 0; i < count; ++i) sums.push_back(owed[i] + added[i]);
    const size_t wanted = random() % (count + 1);
    std::vector<int32_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    const auto sizeAt = [&](int32_t i) { return std::abs(sums[static_cast<size_t>(i)]); };
    std::ranges::stable_sort(order, [&](int32_t a, int32_t b) { return sizeAt(a) > sizeAt(b); });
    order.resize(wanted);
    std::ranges::sort(order);

    const Taken taken = take(owed, added, wanted);
    EXPECT_EQ(taken.indices, order);
    for (size_t k = 0; k < wanted; ++k) {
      const auto i = static_cast<size_t>(order[k]);
      EXPECT_EQ(taken.values[k], sums[i]);
      EXPECT_EQ(owed[i], 0);
      sums[i] = 0;
    }
    EXPECT_EQ(owed, sums) << "the others are still owed";
  }
}

TEST(TakeLargest, ComparesMagnitudesOfAnySize) {
  std::vector<float> owed{1e-45F, -3e38F, 0, 1e-30F, -1};
  const Taken taken = take(owed, std::vector<float>(5), 3);
  EXPECT_EQ(taken.indices, (std::vector<int32_t>{1, 3, 4}));
  EXPECT_EQ(owed, (std::vector<float>{1e-45F, 0, 0, 0, 0}));
}

TEST(TakeLargest, SendsWhatIsNoNumberFirst) {
  std::vector<float> owed{3e38F, 0, -std::numeric_limits<float>::infinity()};
  const Taken taken = take(owed, {0, std::numeric_limits<float>::quiet_NaN(), 0}, 2);
  EXPECT_EQ(taken.indices, (std::vector<int32_t>{1, 2}));
  EXPECT_TRUE(std::isnan(taken.values[0]));
}

}  // namespace
}  // namespace tsring
