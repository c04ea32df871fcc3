#pragma once

#include <string>

#include "base/status.h"
#include "engine/flight_recorder.h"

namespace tsring {

/// Whose dump it is.
struct FlightOwner {
  int rank = 0;            // its number in the job
  std::vector<int> ranks;  // of the ring: all of the job, or those of a process set
  bool isSet = false;
  uint32_t generation = 0;
  std::string jobId;
  std::string hostname;
};

/// The records as JSON, as `tsrun analyze` reads them: times in microseconds of rank 0's clock, which is ours plus
/// `clockOffset`.
std::string flightJson(const FlightOwner& owner, std::string_view reason, const std::vector<FlightRecord>& records,
                       std::chrono::nanoseconds clockOffset);

/// Writes `text` to `folder`, made if need be, as flight-<rank>.json (of later rings of a process
/// flight-<rank>.<ring>.json, of process sets with .set-<ranks>). A dump that is there is replaced as a whole. Returns
/// the file.
Result<std::string> writeFlightDump(const std::string& folder, const FlightOwner& owner, const std::string& text);

}  // namespace tsring
