#include "engine/flight_dumper.h"

#include <filesystem>

namespace tsring {
namespace {

constexpr std::chrono::seconds kBetweenDumps{1};  // that failures of single operations cause

FlightOwner ownerOf(const SessionOptions& options, const Members& members) {
  FlightOwner owner;
  owner.rank = members.numberOf(options.rank);
  for (int place = 0; place < options.size; ++place) owner.ranks.push_back(members.numberOf(place));
  owner.isSet = !options.members.empty();
  owner.generation = options.generation;
  owner.jobId = options.jobId;
  owner.hostname = options.hostname;
  return owner;
}

}  // namespace

FlightDumper::FlightDumper(const SessionOptions& options, const Members& members, const FlightRecorder& recorder,
                           Log log, const std::atomic<std::chrono::nanoseconds>& clockOffset)
    : owner_(ownerOf(options, members)),
      folder_(options.flightRecorderDir),
      records_(options.flightRecorderSize > 0),
      recorder_(recorder),
      log_(log),
      clockOffset_(clockOffset) {}

void FlightDumper::ringFailed(const Status& reason, const std::vector<FlightRecord>& records) {
  if (!dumpsFailures()) return;
  last_ = Clock::now();
  dump(folder_, reason.message(), records);
}

void FlightDumper::operationFailed(const Status& reason) {
  if (Clock::now() - last_.load() >= kBetweenDumps) ringFailed(reason, recorder_.records());
}

void FlightDumper::asked() {
  const auto anywhere = std::filesystem::temp_directory_path() / ("tsring-" + owner_.jobId);
  dump(folder_.empty() ? anywhere.string() : folder_, "signal", recorder_.records());
}

void FlightDumper::dump(const std::string& folder, std::string_view reason, const std::vector<FlightRecord>& records) {
  if (!records_) return;
  MutexLock lock(writing_);
  const auto file = writeFlightDump(folder, owner_, flightJson(owner_, reason, records, clockOffset_.load()));
  log_.warn(file.ok() ? "the last operations are in " + file.value() + " (tsrun analyze reads them)"
                      : std::string(file.status().message()));
}

}  // namespace tsring
