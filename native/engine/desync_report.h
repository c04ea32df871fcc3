#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/status.h"

namespace tsring {

/// What all ranks are at when an operation has come too late: rank 0 asks, and tells everyone the answers with the
/// error. Used by the control thread of rank 0.
class DesyncReport {
 public:
  /// Ranks that have not answered by `deadline` are told of as silent.
  DesyncReport(Status reason, size_t ranks, Deadline deadline)
      : reason_(std::move(reason)), answers_(ranks), deadline_(deadline) {}

  void answer(size_t rank, std::string what) { answers_[rank] = std::move(what); }
  bool complete() const;
  Deadline deadline() const { return deadline_; }

  /// The reason, and what each rank is at; ranks that are at the same are told of together.
  Status finish(const std::vector<std::string>& names) const;

 private:
  Status reason_;
  std::vector<std::optional<std::string>> answers_;
  Deadline deadline_;
};

}  // namespace tsring
