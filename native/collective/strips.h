#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace tsring {

/// A tensor's bytes: read in one place, and their results written in the same or another.
struct Strip {
  size_t offset;  // of its first byte, where strips lie end to end
  size_t bytes;
  const std::byte* input;
  std::byte* output;
};

/// Whether no strip's output overlaps what another strip reads or writes. Says no, too, where inputs overlap.
bool lieApart(std::span<const Strip> strips);

/// Memory that lies apart, spoken of as if it lay end to end. Between strips may be room; what is there counts for
/// nothing. The
/// strips lie apart. Keeps no memory of its own.
class Strips {
 public:
  /// `strips` in the order of their offsets, none of which is empty; `bytes` from the first offset, 0, to the end.
  Strips(std::span<const Strip> strips, size_t bytes) : strips_(strips), bytes_(bytes) {}

  size_t bytes() const { return bytes_; }

  /// Calls `each` for what lies in the `bytes` from `begin` on, in order, with the parts of strips in there.
  template <typename Each>
  void within(size_t begin, size_t bytes, Each each) const {
    if (bytes == 0) return;
    const size_t end = begin + bytes;
    const auto endsBefore = [](const Strip& strip, size_t at) { return strip.offset + strip.bytes <= at; };
    for (auto it = std::lower_bound(strips_.begin(), strips_.end(), begin, endsBefore);
         it != strips_.end() && it->offset < end; ++it) {
      const size_t from = std::max(begin, it->offset);
      const size_t skipped = from - it->offset;
      each(Strip{from, std::min(end, it->offset + it->bytes) - from, it->input + skipped, it->output + skipped});
    }
  }

 private:
  std::span<const Strip> strips_;
  size_t bytes_;
};

}  // namespace tsring
