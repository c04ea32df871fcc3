#include "kernel/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "test/helpers/elements.h"

namespace tsring {
namespace {

/// Every value of the type may come, but none that is not a number.
template <typename T>
T anyValue(std::mt19937& random, DType dtype) {
  if (dtype == DType::kBool) return static_cast<T>(random() & 1);
  if constexpr (std::is_floating_point_v<T>) {
    return std::ldexp(static_cast<T>(static_cast<int32_t>(random())), static_cast<int>(random() % 40) - 20);
  } else if constexpr (std::is_class_v<T>) {
    return static_cast<T>(static_cast<float>(static_cast<int16_t>(random())) / 16);  // within every float's range
  } else {
    return static_cast<T>((uint64_t{random()} << 32) | random());
  }
}

class ReduceKernel : public testing::TestWithParam<std::tuple<DType, ReduceOp>> {};

// Counts around every vector width, from starts that no vector is aligned to.
TEST_P(ReduceKernel, EqualsThePlainComputationForEveryCountAndStart) {
  const auto [dtype, op] = GetParam();
  withType(dtype, [&, dtype = dtype, op = op](auto zero) {
    using T = decltype(zero);
    std::mt19937 random(1);
    for (size_t count = 0; count <= 130; ++count) {
      for (const size_t start : {0, 1, 3}) {
        std::vector<T> into(start + count + 1), from(start + count + 1);
        for (auto& value : into) value = anyValue<T>(random, dtype);
        for (auto& value : from) value = anyValue<T>(random, dtype);
        std::vector<T> expected = into;
        for (size_t i = start; i < start + count; ++i) expected[i] = combine<T>(op, dtype, into[i], from[i]);
        reduceInto(op, dtype, reinterpret_cast<std::byte*>(&into[start]),
                   reinterpret_cast<const std::byte*>(&from[start]), count);
        ASSERT_EQ(into, expected) << count << " elements from " << start;  // and what lies around them is untouched
      }
    }
  });
}

// More than fit one step of the kernel, and an output that is one of the first two inputs.
TEST_P(ReduceKernel, CombinesManyAsOneAfterTheOther) {
  const auto [dtype, op] = GetParam();
  if (!isDefined(dtype, op)) return;
  for (const size_t inputCount : {2, 3, 7}) {
    for (const size_t count : {size_t{0}, size_t{5}, size_t{20'011}}) {
      std::vector<Bytes> inputs;
      for (unsigned i = 0; i < inputCount; ++i) inputs.push_back(smallElements(dtype, count, i));
      const Bytes expected = combineAll(dtype, op, inputs);
      std::vector<const std::byte*> pointers;
      for (const Bytes& input : inputs) pointers.push_back(input.data());
      Bytes apart(expected.size());
      combineMany(op, dtype, apart.data(), pointers, count, static_cast<int>(inputCount));
      ASSERT_TRUE(apart == expected);
      for (const size_t output : {0, 1}) {
        auto own = inputs;
        for (size_t i = 0; i < inputCount; ++i) pointers[i] = own[i].data();
        combineMany(op, dtype, own[output].data(), pointers, count, static_cast<int>(inputCount));
        ASSERT_TRUE(own[output] == expected) << "over input " << output;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReduceKernel, testing::Combine(testing::ValuesIn(kAllDTypes), testing::ValuesIn(kAllOps)),
                         [](const auto& info) { return nameOf(std::get<0>(info.param), std::get<1>(info.param)); });

template <typename T>
T reduceOne(ReduceOp op, DType dtype, T a, T b) {
  reduceInto(op, dtype, reinterpret_cast<std::byte*>(&a), reinterpret_cast<const std::byte*>(&b), 1);
  return a;
}

TEST(ReduceKernel, HandsANaNOnFromEitherSide) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const ReduceOp op : kAllOps) {
    EXPECT_TRUE(std::isnan(reduceOne(op, DType::kFloat32, nan, 1.0F))) << reduceOpName(op);
    EXPECT_TRUE(std::isnan(reduceOne(op, DType::kFloat32, 1.0F, nan))) << reduceOpName(op);
    EXPECT_TRUE(std::isnan(reduceOne(op, DType::kFloat64, 1.0, double{nan}))) << reduceOpName(op);
  }
}

TEST(ReduceKernel, IntegersWrapAround) {
  EXPECT_EQ(reduceOne<int32_t>(ReduceOp::kSum, DType::kInt32, INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(reduceOne<int64_t>(ReduceOp::kSum, DType::kInt64, INT64_MIN, -1), INT64_MAX);
  EXPECT_EQ(reduceOne<int32_t>(ReduceOp::kProduct, DType::kInt32, 1 << 30, 4), 0);
  EXPECT_EQ(reduceOne<uint8_t>(ReduceOp::kSum, DType::kUint8, 250, 10), 4);
  EXPECT_EQ(reduceOne<uint8_t>(ReduceOp::kProduct, DType::kUint8, 16, 16), 0);
  EXPECT_EQ(reduceOne<int8_t>(ReduceOp::kSum, DType::kInt8, 127, 1), -128);
  EXPECT_EQ(reduceOne<int16_t>(ReduceOp::kProduct, DType::kInt16, INT16_MIN, INT16_MIN), 0);
  EXPECT_EQ(reduceOne<uint16_t>(ReduceOp::kProduct, DType::kUint16, 65535, 65535), 1);
}

TEST(ReduceKernel, InfinitiesAreOrdered) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(reduceOne(ReduceOp::kMin, DType::kFloat32, infinity, -infinity), -infinity);
  EXPECT_EQ(reduceOne(ReduceOp::kMax, DType::kFloat32, -infinity, infinity), infinity);
}

// The division goes through floats: it must not round up to the next integer.
template <typename T>
void expectQuotients(DType dtype) {
  std::mt19937 random(3);
  using Limits = std::numeric_limits<T>;
  for (const int divisor : {1, 2, 3, 5, 7, 9, 255, 300, 65'537, 1'000'003}) {
    std::vector<T> values = {0, 1, Limits::max(), Limits::min(), static_cast<T>(Limits::max() - 1)};
    for (int i = 0; i < 3000; ++i) {
      const auto multiple = static_cast<int64_t>(random() % 4000) * divisor;
      values.push_back(static_cast<T>(random()));
      if (multiple <= int64_t{Limits::max()} && multiple > 0) {
        values.push_back(static_cast<T>(multiple));
        values.push_back(static_cast<T>(multiple - 1));
      }
    }
    std::vector<T> expected = values;
    for (T& value : expected) value = static_cast<T>(int64_t{value} / divisor);
    divideBy(dtype, reinterpret_cast<std::byte*>(values.data()), values.size(), divisor);
    ASSERT_EQ(values, expected) << dtypeName(dtype) << " by " << divisor;
  }
}

TEST(DivideBy, GivesTheIntegersQuotient) {
  expectQuotients<uint8_t>(DType::kUint8);
  expectQuotients<int8_t>(DType::kInt8);
  expectQuotients<int16_t>(DType::kInt16);
  expectQuotients<uint16_t>(DType::kUint16);
  expectQuotients<int32_t>(DType::kInt32);
  expectQuotients<int64_t>(DType::kInt64);
}

TEST(DivideBy, TruncatesIntegersTowardZeroAndDividesFloats) {
  int32_t ints[] = {7, -7, 0, INT32_MIN};
  divideBy(DType::kInt32, reinterpret_cast<std::byte*>(ints), 4, 2);
  EXPECT_EQ((std::vector<int32_t>(ints, ints + 4)), (std::vector<int32_t>{3, -3, 0, INT32_MIN / 2}));
  int64_t longs[] = {-9, INT64_MAX};
  divideBy(DType::kInt64, reinterpret_cast<std::byte*>(longs), 2, 4);
  EXPECT_EQ(longs[0], -2);
  EXPECT_EQ(longs[1], INT64_MAX / 4);
  uint8_t bytes[] = {255, 5};
  divideBy(DType::kUint8, reinterpret_cast<std::byte*>(bytes), 2, 300);  // more ranks than the type can count
  EXPECT_EQ(bytes[0], 0);
  float floats[] = {1.0F, -3.0F};
  divideBy(DType::kFloat32, reinterpret_cast<std::byte*>(floats), 2, 3);
  EXPECT_EQ(floats[0], 1.0F / 3);
  EXPECT_EQ(floats[1], -1.0F);
}

}  // namespace
}  // namespace tsring
