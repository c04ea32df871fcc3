#pragma once

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "base/deadline.h"

namespace tsring {

using std::chrono::milliseconds;

/// The deadline of what should happen at once: generous, since machines that run tests under sanitizers are slow.
inline Deadline soon() {
  return Deadline::in(std::chrono::seconds(20));
}

/// How long a peer may stand still: as generous.
inline constexpr milliseconds kStallLimit{20'000};

inline milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

/// Runs `body(rank)` on one thread a rank, and returns when all have ended.
inline void onRanks(int size, const std::function<void(int rank)>& body) {
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < size; ++rank) threads.emplace_back([&body, rank] { body(rank); });
}

}  // namespace tsring
