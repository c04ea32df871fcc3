#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tsring {

/// CRC-32C (Castagnoli) of `bytes` behind what `before` is the checksum of; 0 for nothing. By the processor's own
/// instruction where it has one.
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace tsring
