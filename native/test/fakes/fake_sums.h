#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <vector>

// What the fake NCCL does with elements. dtypes and ops are numbered as NCCL's.

enum Op : int { kSum = 0, kProduct = 1, kMax = 2, kMin = 3, kAverage = 4 };

inline float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

struct Bfloat16 {
  uint16_t bits;
  operator float() const { return floatOf(uint32_t{bits} << 16); }
  static Bfloat16 of(float value) {
    const uint32_t bits32 = bitsOf(value);
    return {static_cast<uint16_t>((bits32 + 0x7fff + ((bits32 >> 16) & 1)) >> 16)};
  }
};
/// Of normal numbers and zero: tests have no others.
struct Float16 {
  uint16_t bits;
  operator float() const {
    const uint32_t magnitude = bits & 0x7fffU;
    const float value =
        magnitude < 0x400 ? static_cast<float>(magnitude) * 0x1p-24F : floatOf((magnitude << 13) + (112U << 23));
    return bits & 0x8000U ? -value : value;
  }
  static Float16 of(float value) {
    const uint32_t bits32 = bitsOf(value);
    const uint32_t magnitude = bits32 & 0x7fffffffU;
    const uint32_t normal = (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112U << 23)) >> 13;
    const uint32_t small = bitsOf(floatOf(magnitude) + 0.5F) - 0x3f000000U;
    return {static_cast<uint16_t>((magnitude < 0x38800000U ? small : normal) | ((bits32 >> 16) & 0x8000U))};
  }
};

template <typename Wide>
Wide combine(Op op, Wide a, Wide b) {
  switch (op) {
    case kProduct:
      return a * b;
    case kMax:
      return a < b ? b : a;
    case kMin:
      return b < a ? b : a;
    default:
      return a + b;
  }
}

/// `all` has the values of each rank, one after the other: combined in the order of the ranks.
template <typename T>
void combineAll(char* out, const std::vector<char>& all, size_t count, Op op, int ranks) {
  const auto* values = reinterpret_cast<const T*>(all.data());
  auto* results = reinterpret_cast<T*>(out);
  for (size_t i = 0; i < count; ++i) {
    if constexpr (std::is_arithmetic_v<T>) {
      T total = values[i];
      for (int rank = 1; rank < ranks; ++rank)
        total = combine(op, total, values[static_cast<size_t>(rank) * count + i]);
      results[i] = op == kAverage ? static_cast<T>(total / static_cast<T>(ranks)) : total;
    } else {
      float total = values[i];
      for (int rank = 1; rank < ranks; ++rank)
        total = combine(op, total, static_cast<float>(values[static_cast<size_t>(rank) * count + i]));
      results[i] = T::of(op == kAverage ? total / static_cast<float>(ranks) : total);
    }
  }
}

inline size_t sizeOf(int dtype) {
  constexpr size_t kSizes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2};
  return kSizes[dtype];
}

inline void combineAll(char* out, const std::vector<char>& all, size_t count, int dtype, Op op, int ranks) {
  switch (dtype) {
    case 0:
      return combineAll<int8_t>(out, all, count, op, ranks);
    case 1:
      return combineAll<uint8_t>(out, all, count, op, ranks);
    case 2:
      return combineAll<int32_t>(out, all, count, op, ranks);
    case 4:
      return combineAll<int64_t>(out, all, count, op, ranks);
    case 6:
      return combineAll<Float16>(out, all, count, op, ranks);
    case 7:
      return combineAll<float>(out, all, count, op, ranks);
    case 8:
      return combineAll<double>(out, all, count, op, ranks);
    case 9:
      return combineAll<Bfloat16>(out, all, count, op, ranks);
    default:
      std::abort();
  }
}
