#pragma once

#include <optional>
#include <vector>

#include "engine/executor.h"
#include "engine/pending_table.h"
#include "transport/agreement.h"

namespace tsring {

/// The short way for calls that block: ranks agree directly with each other, and each carries the operation out on the
/// thread that asked for it. No coordinator, no other thread. Small data travel with the agreement itself.
/// For the one thread of a rank that makes its calls.
class DirectPath {
 public:
  /// All must outlive this.
  DirectPath(Agreement& agreement, Executor& executor, FlightRecorder& recorder, size_t size)
      : agreement_(agreement), executor_(executor), recorder_(recorder), size_(size), inputs_(size) {}

  /// What became of the operation, whose number in the flight recorder is `record`; nothing when it has to go the other
  /// way, and nothing has been done.
  std::optional<Outcome> tryRun(Operation& operation, uint64_t record);

 private:
  bool travelsWithOffer(const Operation& operation) const;
  Outcome combineOffers(Operation& operation);

  Agreement& agreement_;
  Executor& executor_;
  FlightRecorder& recorder_;
  const size_t size_;
  std::vector<const std::byte*> inputs_;  // of the present operation, by rank
};

/// 64 bits that are equal for equal requests, and almost surely not for others.
uint64_t fingerprintOf(const Request& request);

}  // namespace tsring
