#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "base/deadline.h"

namespace tsring {

/// How far rank 0's clock is ahead of ours, from questions and answers: an answer was given about half way between our
/// asking and its arrival, so the quickest exchange is the most exact (Cristian's algorithm). Only the latest count,
/// for clocks drift.
class ClockOffset {
 public:
  /// Asked at `asked`, answered with rank 0's clock, which came at `arrived`.
  void add(Clock::time_point asked, std::chrono::nanoseconds theirs, Clock::time_point arrived) {
    const auto tookHalf = (arrived - asked) / 2;
    samples_[count_++ % samples_.size()] = {arrived - asked, theirs - (asked + tookHalf).time_since_epoch()};
  }
  size_t count() const { return count_; }
  /// 0 before the first answer.
  std::chrono::nanoseconds value() const {
    if (count_ == 0) return std::chrono::nanoseconds(0);
    const auto end = samples_.begin() + static_cast<std::ptrdiff_t>(std::min(count_, samples_.size()));
    return std::ranges::min_element(samples_.begin(), end, {}, &Sample::took)->offset;
  }

 private:
  struct Sample {
    std::chrono::nanoseconds took;
    std::chrono::nanoseconds offset;
  };
  std::array<Sample, 8> samples_{};
  size_t count_ = 0;
};

}  // namespace tsring
