#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>

namespace tsring {

/// Gets a tensor's results as they come, those from its byte `begin` on, while they are in a near cache: in whole
/// elements, each once, in any order, on one thread.
using TakeResults = std::function<void(size_t begin, std::span<const std::byte> results)>;

/// A tensor's bytes: read in one place, and their results written in the same or another, or taken.
struct Strip {
  size_t offset;  // of its first byte, where strips lie end to end
  size_t bytes;
  const std::byte* input;
  std::byte* output;                  // null where results are taken
  const TakeResults* take = nullptr;  // null where they are written
  size_t begin = 0;                   // of its first byte, in the tensor

  /// What lies in the `count` bytes from the strip's byte `from` on.
  Strip part(size_t from, size_t count) const {
    return {offset + from, count, input + from, take ? nullptr : output + from, take, begin + from};
  }
};

/// Whether no strip's output overlaps what another strip reads or writes. Says no, too, where inputs overlap. All have
/// an output.
bool lieApart(std::span<const Strip> strips);

/// Memory that lies apart, spoken of as if it lay end to end. Between strips may be room; what is there counts for
/// nothing. The strips lie apart. Keeps no memory of its own.
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
      each(it->part(from - it->offset, std::min(end, it->offset + it->bytes) - from));
    }
  }

 private:
  std::span<const Strip> strips_;
  size_t bytes_;
};

}  // namespace tsring
