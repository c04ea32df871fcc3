#include "engine/flight_recorder.h"

#include <gtest/gtest.h>

#include <csignal>
#include <limits>
#include <vector>

#include "engine/dump_signal.h"
#include "kernel/finite.h"
#include "test/helpers/ring_of_sessions.h"
#include "transport/tcp/socket.h"

namespace tsring {
namespace {

Request sumRequest(std::string name, Shape shape = {2, 3}) {
  return {sumOf(std::move(name)), {std::move(shape)}};
}

TEST(FlightRecorder, KeepsTheLastOnesAndEveryStepOfThem) {
  FlightRecorder recorder(3);
  for (int i = 0; i < 5; ++i) {
    const uint64_t sequence = recorder.submitted(sumRequest("x" + std::to_string(i)), false);
    EXPECT_EQ(sequence, static_cast<uint64_t>(i) + 1);
    recorder.agreed(sequence);
    recorder.started(sequence, "ring");
    if (i < 4) recorder.ended(sequence, i == 3 ? Status(StatusCode::kTimeout, "late") : Status::okay());
  }
  recorder.ended(1, Status::okay());  // long overtaken
  const auto records = recorder.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].name(), "x2");
  EXPECT_EQ(records[0].state, FlightState::kDone);
  EXPECT_EQ(records[1].state, FlightState::kFailed);
  EXPECT_EQ(records[1].code, StatusCode::kTimeout);
  EXPECT_EQ(records[2].state, FlightState::kRunning);
  EXPECT_EQ(records[2].agreed, 5U);
  EXPECT_EQ(records[2].bytes, 24U);
  EXPECT_EQ(recorder.describeWaiting(), "is inside allreduce \"x4\"");
}

TEST(FlightRecorder, KeepsNothingWithoutRoom) {
  FlightRecorder recorder(0);
  EXPECT_EQ(recorder.submitted(sumRequest("x"), true), 0U);
  recorder.agreed(0);
  recorder.ended(0, Status::okay());
  EXPECT_TRUE(recorder.records().empty());
  EXPECT_EQ(recorder.describeWaiting(), "has asked for nothing yet");
}

std::string longName(char last) {
  std::string name(1000, 'x');
  name.push_back(last);
  return name;
}

TEST(FlightRecorder, TellsLongNamesApart) {
  FlightRecorder recorder(2);
  recorder.submitted(sumRequest(longName('1')), false);
  recorder.submitted(sumRequest(longName('2')), false);
  const auto records = recorder.records();
  EXPECT_NE(records[0].name(), records[1].name());
  EXPECT_LE(records[0].name().size(), FlightRecord::kNameBytes);
}

// The signal comes to the process: each session that listens is told, and is woken.
TEST(DumpSignal, WakesAndTellsEverySession) {
  WakeUp first;
  WakeUp second;
  DumpSignal one(first.signalFd());
  {
    DumpSignal two(second.signalFd());
    EXPECT_FALSE(one.takeAsked());
    std::raise(SIGUSR2);
    EXPECT_TRUE(one.takeAsked());
    EXPECT_TRUE(two.takeAsked());
    EXPECT_FALSE(two.takeAsked());
  }
  std::raise(SIGUSR2);
  EXPECT_TRUE(one.takeAsked());
}

TEST(FirstNonFinite, FindsNanAndInfinityOfEveryFloatAnywhere) {
  for (const size_t count : {1U, 7U, 4096U, 10'000U}) {
    std::vector<float> floats(count, 1.0F);
    std::vector<double> doubles(count, -1.0);
    std::vector<uint16_t> halves(count, 0x3c00);
    const auto bytes = [](const auto& values) { return reinterpret_cast<const std::byte*>(values.data()); };
    EXPECT_EQ(firstNonFinite(DType::kFloat32, bytes(floats), count), count);
    EXPECT_EQ(firstNonFinite(DType::kFloat64, bytes(doubles), count), count);
    EXPECT_EQ(firstNonFinite(DType::kFloat16, bytes(halves), count), count);
    const size_t at = count / 2;
    floats[at] = std::numeric_limits<float>::quiet_NaN();
    doubles[at] = -std::numeric_limits<double>::infinity();
    halves[at] = 0xfc00;
    EXPECT_EQ(firstNonFinite(DType::kFloat32, bytes(floats), count), at);
    EXPECT_EQ(firstNonFinite(DType::kFloat64, bytes(doubles), count), at);
    EXPECT_EQ(firstNonFinite(DType::kFloat16, bytes(halves), count), at);
  }
  const std::vector<int32_t> integers(8, 0x7f800000);
  EXPECT_EQ(firstNonFinite(DType::kInt32, reinterpret_cast<const std::byte*>(integers.data()), 8), 8U);
}

}  // namespace
}  // namespace tsring
