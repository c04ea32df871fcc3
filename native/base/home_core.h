#pragma once

#include <optional>

#include "base/deadline.h"

namespace tsring {

/// A processor that a thread goes to before it works together with others, each of which has one too. It is not kept
/// there: the system may move it again, and what it computes between has all processors that it may run on. Used by one
/// thread at a time; on systems other than Linux nobody moves.
class HomeCore {
 public:
  explicit HomeCore(std::optional<int> processor = std::nullopt) : processor_(processor) {}

  /// Moves the calling thread there, unless it is there, may not run there, or was moved just before; says whether it
  /// did. Never fails: where it does not go, it works as well, only slower.
  bool goThere();

 private:
  [[maybe_unused]] std::optional<int> processor_;
  [[maybe_unused]] Clock::time_point movedAt_;
};

}  // namespace tsring
