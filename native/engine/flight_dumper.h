#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/log.h"
#include "base/mutex.h"
#include "engine/flight_dump.h"
#include "engine/members.h"
#include "engine/session_options.h"

namespace tsring {

/// Writes a ring's last operations to a file when something fails, or when asked to, and says where they are. For any
/// thread, though a failure is told once, by whoever learns of it.
class FlightDumper {
 public:
  /// The recorder must outlive this. `clockOffset` is what leads from our clock to rank 0's.
  FlightDumper(const SessionOptions& options, const Members& members, const FlightRecorder& recorder, Log log,
               const std::atomic<std::chrono::nanoseconds>& clockOffset);

  /// Whether a failure is dumped: a folder was named.
  bool dumpsFailures() const { return !folder_.empty(); }
  /// The operations as they were when what failed was still under way.
  void ringFailed(const Status& reason, const std::vector<FlightRecord>& records);
  /// A single operation: not each of many that fail one after the other.
  void operationFailed(const Status& reason);
  void asked();

 private:
  void dump(const std::string& folder, std::string_view reason, const std::vector<FlightRecord>& records);

  const FlightOwner owner_;
  const std::string folder_;
  const bool records_;
  const FlightRecorder& recorder_;
  const Log log_;
  const std::atomic<std::chrono::nanoseconds>& clockOffset_;
  Mutex writing_;
  std::atomic<Clock::time_point> last_{};
};

}  // namespace tsring
