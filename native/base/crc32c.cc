#include "base/crc32c.h"

#include <array>
#include <cstring>

namespace tsring {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<uint32_t, 256> makeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}
constexpr auto kTable = makeTable();

uint32_t byTable(const std::byte* bytes, size_t count, uint32_t crc) {
  for (size_t i = 0; i < count; ++i) crc = crc >> 8 ^ kTable[(crc ^ static_cast<uint32_t>(bytes[i])) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t byInstruction(const std::byte* bytes, size_t count, uint32_t crc) {
  uint64_t wide = crc;
  for (; count >= sizeof(uint64_t); bytes += sizeof(uint64_t), count -= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  return byTable(bytes, count, static_cast<uint32_t>(wide));
}
#endif

}  // namespace

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before) {
  const uint32_t start = ~before;
#if defined(__x86_64__)
  static const bool kHasInstruction = __builtin_cpu_supports("sse4.2");
  if (kHasInstruction) return ~byInstruction(bytes.data(), bytes.size(), start);
#endif
  return ~byTable(bytes.data(), bytes.size(), start);
}

}  // namespace tsring
