#include "collective/strips.h"

#include <functional>
#include <vector>

namespace tsring {

bool lieApart(std::span<const Strip> strips) {
  if (strips.size() < 2) return true;
  std::vector<std::span<const std::byte>> taken;
  for (const Strip& strip : strips) {
    taken.emplace_back(strip.output, strip.bytes);
    if (strip.input != strip.output) taken.emplace_back(strip.input, strip.bytes);
  }
  const std::less<const std::byte*> before;
  std::ranges::sort(taken, before, [](const auto& range) { return range.data(); });
  return std::ranges::adjacent_find(
             taken, [&](const auto& a, const auto& b) { return before(b.data(), a.data() + a.size()); }) == taken.end();
}

}  // namespace tsring
