#pragma once

#include <deque>
#include <memory>

#include "base/phase.h"
#include "collective/device_backend.h"
#include "engine/pending_table.h"

namespace tsring {

/// An operation whose work is on a GPU's streams.
struct DeviceFlight {
  Operation operation;
  Outcome outcome;  // if the work ends well
  std::unique_ptr<DeviceWork> work;
  Phase phase;  // until it has landed
};

/// The operations on a GPU that are under way, the oldest first: they end in the order in which they began. The data
/// thread's.
class DeviceFlights {
 public:
  bool empty() const { return flights_.empty(); }
  /// Whether `operation` may begin beside them, of which there are at most `most` at a time: it is on the GPU, too, and
  /// neither of it and them writes memory that the other touches.
  bool admit(const Operation& operation, size_t most) const;

  void add(DeviceFlight flight) { flights_.push_back(std::move(flight)); }
  DeviceFlight& oldest() { return flights_.front(); }
  void removeOldest() { flights_.pop_front(); }

 private:
  std::deque<DeviceFlight> flights_;
};

/// Whether one of the two writes memory that the other touches.
bool dependOnEachOther(const Operation& one, const Operation& other);

}  // namespace tsring
