#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace tsring {

using Clock = std::chrono::steady_clock;

/// A moment at which a wait gives up. A value.
class Deadline {
 public:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  static Deadline in(std::chrono::milliseconds span) { return Deadline(Clock::now() + span); }

  Clock::time_point at() const { return at_; }
  bool passed() const { return Clock::now() >= at_; }
  Deadline earlier(Deadline other) const { return Deadline(std::min(at_, other.at_)); }

  /// What is left, for poll(2): rounded up, so that a wait that returns at 0 has really passed the deadline.
  int pollTimeoutMs() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count();
    return static_cast<int>(std::clamp<int64_t>(left, 0, std::numeric_limits<int>::max()));
  }

 private:
  Clock::time_point at_;
};

}  // namespace tsring
