#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tsring {

/// Element types. The numbers are the wire's: never reorder.
enum class DType : uint8_t {
  kUint8 = 0,
  kInt32 = 1,
  kInt64 = 2,
  kFloat32 = 3,
  kFloat64 = 4,
  kBool = 5,
  kFloat16 = 6,
  kBfloat16 = 7,
  kInt8 = 8,
  kInt16 = 9,
  kUint16 = 10
};
inline constexpr uint8_t kDTypeCount = 11;

/// How elements are combined. The numbers are the wire's: never reorder.
enum class ReduceOp : uint8_t { kSum = 0, kAverage = 1, kMin = 2, kMax = 3, kProduct = 4, kAdasum = 5 };
inline constexpr uint8_t kReduceOpCount = 6;

constexpr size_t elementSize(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
    case DType::kBool:
    case DType::kInt8:
      return 1;
    case DType::kFloat16:
    case DType::kBfloat16:
    case DType::kInt16:
    case DType::kUint16:
      return 2;
    case DType::kInt32:
    case DType::kFloat32:
      return 4;
    case DType::kInt64:
    case DType::kFloat64:
      return 8;
  }
  return 0;
}

/// A float of 16 bits.
constexpr bool isHalf(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBfloat16;
}

constexpr bool isFloat(DType dtype) {
  return isHalf(dtype) || dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

constexpr std::string_view dtypeName(DType dtype) {
  constexpr std::string_view kNames[] = {"uint8",   "int32",    "int64", "float32", "float64", "bool",
                                         "float16", "bfloat16", "int8",  "int16",   "uint16"};
  return kNames[static_cast<size_t>(dtype)];
}

constexpr std::string_view reduceOpName(ReduceOp op) {
  constexpr std::string_view kNames[] = {"sum", "average", "min", "max", "product", "adasum"};
  return kNames[static_cast<size_t>(op)];
}

}  // namespace tsring
