#include "engine/device_flights.h"

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "engine/packing.h"

namespace tsring {
namespace {

struct MemoryRun {
  const std::byte* begin;
  const std::byte* end;
  bool first;  // of which of the two operations
  bool written;
};

void addRuns(const Operation& operation, bool first, std::vector<MemoryRun>& runs) {
  for (size_t i = 0; i < operation.tensors.size(); ++i) {
    const TensorBuffer& tensor = operation.tensors[i];
    const size_t bytes = byteSize(operation.request, operation.request.shapes[i]);
    if (bytes == 0) continue;
    if (tensor.input) runs.push_back({tensor.input, tensor.input + bytes, first, false});
    if (tensor.output) runs.push_back({tensor.output, tensor.output + bytes, first, true});
  }
}

}  // namespace

bool DeviceFlights::admit(const Operation& operation, size_t most) const {
  if (flights_.empty()) return true;
  return flights_.size() < most && operation.request.header.onDevice() &&
         std::ranges::none_of(
             flights_, [&](const DeviceFlight& flight) { return dependOnEachOther(flight.operation, operation); });
}

// From the lowest address up: a run overlaps an earlier one if that ends behind its begin.
bool dependOnEachOther(const Operation& one, const Operation& other) {
  std::vector<MemoryRun> runs;
  addRuns(one, true, runs);
  addRuns(other, false, runs);
  std::ranges::sort(runs, std::less<>(), &MemoryRun::begin);
  std::array<std::array<const std::byte*, 2>, 2> ends{};  // the farthest so far, by operation and by what is written
  for (const MemoryRun& run : runs) {
    const auto& others = ends[run.first ? 0 : 1];
    if (std::less<>()(run.begin, others[1]) || (run.written && std::less<>()(run.begin, others[0]))) return true;
    const std::byte*& end = ends[run.first ? 1 : 0][run.written ? 1 : 0];
    end = std::max(end, run.end, std::less<>());
  }
  return false;
}

}  // namespace tsring
