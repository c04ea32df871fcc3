#include "kernel/update.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/parallel.h"

namespace tsring {
namespace {

// Lengths that end inside a vector; values that none of the updates takes out of its range.
constexpr size_t kCount = 1003;

struct Case {
  Update update;
  std::array<float, 4> factors;
  double (*expected)(const std::array<float, 4>& f, double x, double y, double z, double w);
};

const Case kCases[] = {
    {Update::kLinear, {0.9F, -0.5F}, [](auto& f, double x, double y, double, double) { return f[0] * x + f[1] * y; }},
    {Update::kSquares,
     {0.9F, 0.1F},
     [](auto& f, double x, double y, double, double) { return f[0] * x + f[1] * y * y; }},
    {Update::kNesterov,
     {-0.1F, 0.9F},
     [](auto& f, double x, double y, double z, double) { return x + f[0] * (y + f[1] * z); }},
    {Update::kAdam,
     {-0.1F, 1e-3F, 0.2F, 0.3F},
     [](auto& f, double x, double y, double z, double) {
       return x + f[0] * (y / f[2]) / (std::sqrt(z / f[3]) + f[1]);
     }},
    {Update::kRmsProp,
     {0.9F, 0.1F, 1e-3F},
     [](auto& f, double x, double y, double z, double) { return f[0] * x + f[1] * y / std::sqrt(z + f[2]); }},
    {Update::kCenteredRmsProp,
     {0.9F, 0.1F, 1e-3F},
     [](auto& f, double x, double y, double z, double w) {
       return f[0] * x + f[1] * y / std::sqrt(z - (w * w + f[2]));
     }},
};

TEST(Update, IsTheFormulaOnEveryElementAndOnThoseAlone) {
  std::array<std::vector<float>, 4> values;
  for (size_t k = 0; k < values.size(); ++k) {
    for (size_t i = 0; i < kCount; ++i) {
      // The last two under a root: the third stays above the square of the fourth.
      const auto share = static_cast<float>((i * 37 + k * 11) % 101) / 101.0F;
      values[k].push_back(k == 2 ? 2 + share : k == 3 ? share : share - 0.5F);
    }
  }
  const std::array<const float*, 4> arrays{values[0].data(), values[1].data(), values[2].data(), values[3].data()};
  for (const Case& each : kCases) {
    std::vector<float> out(kCount, 77.0F);
    applyUpdate(each.update, each.factors.data(), arrays.data(), out.data(), 3, kCount - 2);
    for (size_t i = 0; i < kCount; ++i) {
      const double expected = i < 3 || i >= kCount - 2
                                  ? 77.0
                                  : each.expected(each.factors, values[0][i], values[1][i], values[2][i], values[3][i]);
      EXPECT_NEAR(out[i], expected, 2e-6 * std::max(1.0, std::abs(expected))) << static_cast<int>(each.update);
    }
  }
}

TEST(Update, HasAFormIfItIsOne) {
  EXPECT_EQ(formOf(Update::kAdam).arrays, 3u);
  EXPECT_EQ(formOf(Update::kAdam).factors, 4u);
  EXPECT_EQ(formOf(static_cast<Update>(6)).arrays, 0u);
  EXPECT_EQ(formOf(static_cast<Update>(-1)).arrays, 0u);
}

TEST(InParallel, DoesEachPartOnceOnHoweverManyThreads) {
  for (const size_t threads : {0, 1, 2, 5}) {
    for (const size_t count : {0, 1, 3, 100}) {
      std::vector<int> done(count);
      inParallel(threads, count, [&](size_t i) { ++done[i]; });
      EXPECT_EQ(done, std::vector<int>(count, 1));
    }
  }
}

}  // namespace
}  // namespace tsring
