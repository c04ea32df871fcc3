#include "kernel/update.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/parallel.h"

namespace tsring {
namespace {

// A length that ends inside a vector, and takes several blocks where values go past the cache.
constexpr size_t kCount = 5003;
constexpr size_t kBegin = 3;
constexpr size_t kEnd = kCount - 2;

struct Element {
  double value, gradient;
  std::array<double, kMostSlots> slots;
};

struct Case {
  Update update;
  std::array<float, 8> factors;
  /// Changes the slots and the value.
  void (*step)(const std::array<float, 8>& f, Element& e);
};

const Case kCases[] = {
    {Update::kSgd, {-0.5F}, [](auto& f, Element& e) { e.value += f[0] * e.gradient; }},
    {Update::kMomentum,
     {0.9F, -0.1F},
     [](auto& f, Element& e) {
       e.slots[0] = f[0] * e.slots[0] + e.gradient;
       e.value += f[1] * e.slots[0];
     }},
    {Update::kNesterov,
     {0.9F, -0.1F},
     [](auto& f, Element& e) {
       e.slots[0] = f[0] * e.slots[0] + e.gradient;
       e.value += f[1] * (e.gradient + f[0] * e.slots[0]);
     }},
    {Update::kAdam,
     {0.9F, 0.1F, 0.99F, 0.01F, -0.1F, 1e-3F, 0.2F, 0.3F},
     [](auto& f, Element& e) {
       e.slots[0] = f[0] * e.slots[0] + f[1] * e.gradient;
       e.slots[1] = f[2] * e.slots[1] + f[3] * e.gradient * e.gradient;
       e.value += f[4] * (e.slots[0] / f[6]) / (std::sqrt(e.slots[1] / f[7]) + f[5]);
     }},
    {Update::kRmsProp,
     {0.9F, 0.1F, 0.8F, 0.1F, 1e-3F},
     [](auto& f, Element& e) {
       e.slots[0] = f[0] * e.slots[0] + f[1] * e.gradient * e.gradient;
       e.slots[1] = f[2] * e.slots[1] + f[3] * e.gradient / std::sqrt(e.slots[0] + f[4]);
       e.value -= e.slots[1];
     }},
    {Update::kCenteredRmsProp,
     {0.9F, 0.1F, 0.8F, 0.1F, 1e-3F},
     [](auto& f, Element& e) {
       e.slots[0] = f[0] * e.slots[0] + f[1] * e.gradient * e.gradient;
       e.slots[2] = f[0] * e.slots[2] + f[1] * e.gradient;
       e.slots[1] = f[2] * e.slots[1] + f[3] * e.gradient / std::sqrt(e.slots[0] - (e.slots[2] * e.slots[2] + f[4]));
       e.value -= e.slots[1];
     }},
};

/// Numbers of array `k`. The first slot stays above the square of the third; no array that is a root's is below zero.
std::vector<float> some(size_t k) {
  std::vector<float> numbers;
  for (size_t i = 0; i < kCount; ++i) {
    const auto share = static_cast<float>((i * 37 + k * 11) % 101) / 101.0F;
    numbers.push_back(k == 2 ? 2 + share : k > 2 ? share : share - 0.5F);
  }
  return numbers;
}

void expectNear(float actual, double expected, Update update) {
  EXPECT_NEAR(actual, expected, 2e-6 * std::max(1.0, std::abs(expected))) << static_cast<int>(update);
}

void expectStep(const Case& each, bool inPlace, WriteTo writeTo) {
  const std::vector<float> value = some(0);
  const std::vector<float> gradient = some(1);
  const size_t slots = formOf(each.update).slots;
  std::array<std::vector<float>, kMostSlots> old{some(2), some(3), some(4)};
  std::array<std::vector<float>, kMostSlots> fresh;
  std::vector<float> newValue(kCount, 77.0F);
  UpdateArrays arrays{.value = value.data(), .gradient = gradient.data(), .newValue = newValue.data()};
  for (size_t k = 0; k < slots; ++k) {
    fresh[k] = old[k];
    arrays.slots[k] = inPlace ? fresh[k].data() : old[k].data();
    arrays.newSlots[k] = fresh[k].data();
  }
  applyUpdate(each.update, each.factors.data(), arrays, kBegin, kEnd, writeTo);
  for (size_t i = 0; i < kCount; ++i) {
    Element element{value[i], gradient[i], {old[0][i], old[1][i], old[2][i]}};
    const bool inside = i >= kBegin && i < kEnd;
    if (inside) each.step(each.factors, element);
    expectNear(newValue[i], inside ? element.value : 77.0, each.update);
    for (size_t k = 0; k < slots; ++k) expectNear(fresh[k][i], element.slots[k], each.update);
  }
}

TEST(Update, IsTheFormulaOnEveryElementAndOnThoseAlone) {
  for (const Case& each : kCases) {
    for (const bool inPlace : {false, true}) {
      for (const WriteTo writeTo : {WriteTo::kCache, WriteTo::kMemory}) expectStep(each, inPlace, writeTo);
    }
  }
}

TEST(Update, HasAFormIfItIsOne) {
  EXPECT_EQ(formOf(Update::kAdam).slots, 2u);
  EXPECT_EQ(formOf(Update::kAdam).factors, 8u);
  EXPECT_EQ(formOf(static_cast<Update>(6)).factors, 0u);
  EXPECT_EQ(formOf(static_cast<Update>(-1)).factors, 0u);
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
