#pragma once

#include <cstddef>

#include "base/status.h"

namespace tsring {

/// The tensors of an operation that is done in main memory while they are on their way there, and the results on their
/// way back. The data thread's.
class Staging {
 public:
  virtual ~Staging() = default;
  /// Before tensor `index` is read: waits until it is there.
  virtual Status awaitInput(size_t index) = 0;
  /// Result `index` is as it should be: sends it back. Nobody may change it after that.
  virtual Status takeOutput(size_t index) = 0;
};

}  // namespace tsring
