#include "engine/device_flights.h"

#include <gtest/gtest.h>

namespace tsring {
namespace {

std::array<std::byte, 1024> flightMemory;

struct FlightPart {
  size_t begin;
  size_t bytes;
};

/// On single bytes of `flightMemory`, input and output of each tensor.
Operation operationOn(const std::vector<std::pair<FlightPart, FlightPart>>& tensors,
                      MemoryKind kind = MemoryKind::kCuda) {
  Operation operation;
  operation.request.header.dtype = DType::kUint8;
  operation.request.header.memory = kind;
  for (const auto& [input, output] : tensors) {
    operation.request.shapes.push_back({static_cast<int64_t>(input.bytes)});
    operation.tensors.push_back({&flightMemory[input.begin], &flightMemory[output.begin]});
  }
  return operation;
}

DeviceFlight flightOf(Operation operation) {
  return {std::move(operation), {}, nullptr, Phase("test")};
}

TEST(DependOnEachOther, WhereOneWritesWhatTheOtherTouches) {
  const Operation one = operationOn({{{0, 10}, {100, 10}}, {{20, 5}, {20, 5}}});
  EXPECT_FALSE(dependOnEachOther(one, operationOn({{{0, 10}, {200, 10}}}))) << "both read";
  EXPECT_FALSE(dependOnEachOther(one, operationOn({{{110, 10}, {90, 10}}}))) << "neighbours";
  EXPECT_TRUE(dependOnEachOther(one, operationOn({{{109, 10}, {200, 10}}}))) << "reads what is written";
  EXPECT_TRUE(dependOnEachOther(operationOn({{{109, 10}, {200, 10}}}), one));
  EXPECT_TRUE(dependOnEachOther(one, operationOn({{{300, 10}, {9, 10}}}))) << "writes what is read";
  EXPECT_TRUE(dependOnEachOther(one, operationOn({{{300, 50}, {90, 50}}}))) << "writes around what is written";
  EXPECT_TRUE(dependOnEachOther(one, operationOn({{{22, 1}, {22, 1}}})));
  EXPECT_FALSE(dependOnEachOther(one, operationOn({{{22, 0}, {22, 0}}}))) << "nothing";
}

TEST(DeviceFlights, AdmitsWhatDependsOnNoneOfThemAsLongAsThereIsRoom) {
  DeviceFlights flights;
  EXPECT_TRUE(flights.admit(operationOn({{{0, 10}, {0, 10}}}, MemoryKind::kHost), 1)) << "nothing is under way";
  flights.add(flightOf(operationOn({{{0, 10}, {0, 10}}})));
  EXPECT_TRUE(flights.admit(operationOn({{{10, 10}, {10, 10}}}), 2));
  EXPECT_FALSE(flights.admit(operationOn({{{10, 10}, {10, 10}}}), 1)) << "one stream";
  EXPECT_FALSE(flights.admit(operationOn({{{5, 10}, {10, 10}}}), 2)) << "reads what is written";
  EXPECT_FALSE(flights.admit(operationOn({{{10, 10}, {10, 10}}}, MemoryKind::kHost), 2)) << "main memory";
  flights.removeOldest();
  EXPECT_TRUE(flights.admit(operationOn({{{5, 10}, {10, 10}}}), 1));
}

}  // namespace
}  // namespace tsring
