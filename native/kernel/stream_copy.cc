#include "kernel/stream_copy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace tsring {

#if defined(__x86_64__)

namespace {

constexpr size_t kStreamLine = 64;

void streamLine(std::byte* to, const std::byte* from) {
  for (size_t at = 0; at < kStreamLine; at += sizeof(__m128i)) {
    const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + at), part);
  }
}

}  // namespace

// Whole lines only: what begins or ends within one is shared with others' data.
void streamCopy(std::byte* to, const std::byte* from, size_t bytes) {
  const size_t head = std::min(bytes, (kStreamLine - reinterpret_cast<uintptr_t>(to) % kStreamLine) % kStreamLine);
  std::memcpy(to, from, head);
  size_t at = head;
  for (; at + kStreamLine <= bytes; at += kStreamLine) streamLine(to + at, from + at);
  std::memcpy(to + at, from + at, bytes - at);
}

void endStreams() {
  _mm_sfence();
}

#else

void streamCopy(std::byte* to, const std::byte* from, size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void endStreams() {}

#endif

}  // namespace tsring
