#pragma once

#include <algorithm>
#include <cstddef>

namespace tsring {

/// Elements from `begin` up to, not including, `end`.
struct Range {
  size_t begin;
  size_t end;
  constexpr size_t size() const { return end - begin; }
  constexpr bool operator==(const Range&) const = default;
};

/// Elements of chunk `index` when `count` elements are cut into `parts` runs whose lengths differ by at most one.
constexpr Range chunk(size_t count, size_t parts, size_t index) {
  const auto start = [&](size_t i) { return i * (count / parts) + std::min(i, count % parts); };
  return {start(index), start(index + 1)};
}
static_assert(chunk(10, 4, 0) == Range{0, 3} && chunk(10, 4, 3) == Range{8, 10});
static_assert(chunk(2, 4, 1) == Range{1, 2} && chunk(2, 4, 3) == Range{2, 2});

}  // namespace tsring
