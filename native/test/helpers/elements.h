#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "test/helpers/small_floats.h"

namespace tsring {

inline constexpr DType kAllDTypes[] = {DType::kUint8,   DType::kInt32, DType::kInt64,   DType::kFloat32,
                                       DType::kFloat64, DType::kBool,  DType::kFloat16, DType::kBfloat16,
                                       DType::kInt8,    DType::kInt16, DType::kUint16};
inline constexpr ReduceOp kAllOps[] = {ReduceOp::kSum, ReduceOp::kAverage, ReduceOp::kMin, ReduceOp::kMax,
                                       ReduceOp::kProduct};

/// Whether an allreduce of this kind is defined: bool has no average.
inline bool isDefined(DType dtype, ReduceOp op) {
  return dtype != DType::kBool || op != ReduceOp::kAverage;
}

/// Calls `body` with a value of the type that stands for `dtype`: uint8_t for bool.
template <typename Body>
auto withType(DType dtype, Body body) {
  switch (dtype) {
    case DType::kInt32:
      return body(int32_t{});
    case DType::kInt64:
      return body(int64_t{});
    case DType::kFloat32:
      return body(float{});
    case DType::kFloat64:
      return body(double{});
    case DType::kFloat16:
      return body(Float16{});
    case DType::kBfloat16:
      return body(Bfloat16{});
    case DType::kInt8:
      return body(int8_t{});
    case DType::kInt16:
      return body(int16_t{});
    case DType::kUint16:
      return body(uint16_t{});
    default:
      return body(uint8_t{});
  }
}

/// The plain meaning of one combination, for any type.
template <typename T>
T combine(ReduceOp op, DType dtype, T a, T b) {
  if (dtype == DType::kBool) {
    return op == ReduceOp::kMin || op == ReduceOp::kProduct ? static_cast<T>(a && b) : static_cast<T>(a || b);
  }
  // Wraps without being undefined; 16-bit floats are computed with in float32.
  using Wide =
      std::conditional_t<std::is_integral_v<T>, unsigned __int128, std::conditional_t<sizeof(T) == 2, float, T>>;
  switch (op) {
    case ReduceOp::kMin:
      return b < a ? b : a;
    case ReduceOp::kMax:
      return a < b ? b : a;
    case ReduceOp::kProduct:
      return static_cast<T>(static_cast<Wide>(a) * static_cast<Wide>(b));
    default:
      return static_cast<T>(static_cast<Wide>(a) + static_cast<Wide>(b));
  }
}

/// Small whole numbers (0 and 1 for bool), so that sums and products of a few ranks are exact in every type and order.
inline Bytes smallElements(DType dtype, size_t count, unsigned seed) {
  std::mt19937 random(seed);
  return withType(dtype, [&](auto zero) {
    using T = decltype(zero);
    Bytes bytes(count * sizeof(T));
    const unsigned values = dtype == DType::kBool ? 2 : 3;
    for (size_t i = 0; i < count; ++i) {
      const T value = static_cast<T>(random() % values);
      std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
    }
    return bytes;
  });
}

/// The combination of all ranks' elements, one after the other.
inline Bytes combineAll(DType dtype, ReduceOp op, const std::vector<Bytes>& byRank) {
  return withType(dtype, [&](auto zero) {
    using T = decltype(zero);
    Bytes result = byRank.front();
    auto* into = reinterpret_cast<T*>(result.data());
    for (size_t i = 0; i < result.size() / sizeof(T); ++i) {
      for (size_t rank = 1; rank < byRank.size(); ++rank) {
        into[i] = combine<T>(op, dtype, into[i], reinterpret_cast<const T*>(byRank[rank].data())[i]);
      }
      if (op == ReduceOp::kAverage) into[i] = static_cast<T>(into[i] / static_cast<T>(byRank.size()));
    }
    return result;
  });
}

/// Blocks of these lengths, one after the other in `bytes`.
inline std::vector<std::span<std::byte>> laidOut(Bytes& bytes, const std::vector<size_t>& lengths) {
  std::vector<std::span<std::byte>> blocks;
  size_t at = 0;
  for (const size_t length : lengths) {
    blocks.push_back(std::span(bytes).subspan(at, length));
    at += length;
  }
  return blocks;
}

inline std::string nameOf(DType dtype, ReduceOp op) {
  return std::string(dtypeName(dtype)).append("_").append(reduceOpName(op));
}

}  // namespace tsring
