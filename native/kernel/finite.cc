#include "kernel/finite.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernel/target_clones.h"

namespace tsring {
namespace {

// A float is finite unless all bits of its exponent are set. Blocks are first asked as a whole, which the compiler
// vectorises, and only one that has some is searched.
constexpr size_t kBlock = 4096;

template <typename Bits>
[[gnu::always_inline]] inline size_t search(const std::byte* data, size_t count, Bits exponent) {
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t end = std::min(begin + kBlock, count);
    const auto bitsOf = [&](size_t i) {
      Bits bits;
      std::memcpy(&bits, data + i * sizeof(Bits), sizeof(Bits));
      return static_cast<Bits>(bits & exponent);
    };
    Bits any = 0;
    for (size_t i = begin; i < end; ++i) any = static_cast<Bits>(any | (bitsOf(i) == exponent));
    if (!any) continue;
    for (size_t i = begin; i < end; ++i) {
      if (bitsOf(i) == exponent) return i;
    }
  }
  return count;
}

TSRING_TARGET_CLONES size_t search16(const std::byte* data, size_t count, uint16_t exponent) {
  return search(data, count, exponent);
}
TSRING_TARGET_CLONES size_t search32(const std::byte* data, size_t count, uint32_t exponent) {
  return search(data, count, exponent);
}
TSRING_TARGET_CLONES size_t search64(const std::byte* data, size_t count, uint64_t exponent) {
  return search(data, count, exponent);
}

}  // namespace

size_t firstNonFinite(DType dtype, const std::byte* data, size_t count) {
  switch (dtype) {
    case DType::kFloat16:
      return search16(data, count, 0x7c00);
    case DType::kBfloat16:
      return search16(data, count, 0x7f80);
    case DType::kFloat32:
      return search32(data, count, 0x7f800000);
    case DType::kFloat64:
      return search64(data, count, 0x7ff0000000000000);
    default:
      return count;
  }
}

}  // namespace tsring
