#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace tsring {

/// Calls `part(i)` for each i below `count`, on this thread and up to `threads` - 1 others, and returns when all have
/// ended. Parts do not wait for each other, and do not throw. The threads live as long as the call: it is for work of
/// milliseconds, beside which their start is nothing.
template <typename Part>
void inParallel(size_t threads, size_t count, const Part& part) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) part(i);
  };
  std::vector<std::jthread> others;
  for (size_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(work);
  work();
}

}  // namespace tsring
