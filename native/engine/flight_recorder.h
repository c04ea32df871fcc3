#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/mutex.h"
#include "base/status.h"
#include "engine/request.h"
#include "engine/timeline.h"

namespace tsring {

/// Where an operation is. The order is that of its life.
enum class FlightState : uint8_t { kSubmitted, kAgreed, kRunning, kDone, kFailed };
std::string_view flightStateName(FlightState state);

/// What is kept of one operation. Of one size, so that keeping it allocates nothing.
struct FlightRecord {
  static constexpr size_t kNameBytes = 160;
  static constexpr size_t kDimensions = 8;

  uint64_t sequence = 0;  // of this rank's operations, from 1; 0: an empty place
  uint64_t agreed = 0;    // the how-manieth that all ranks agreed on, from 1: the same on every rank; 0: not agreed on
  OperationKind kind = OperationKind::kBarrier;
  DType dtype = DType::kFloat32;
  ReduceOp op = ReduceOp::kSum;
  FlightState state = FlightState::kSubmitted;
  StatusCode code = StatusCode::kOk;
  bool direct = false;  // agreed on by the short way
  int32_t rootRank = 0;
  uint32_t tensors = 0;
  uint32_t dimensions = 0;  // of the first tensor
  std::array<int64_t, kDimensions> extents{};
  uint64_t bytes = 0;
  uint64_t shapesHash = 0;  // of all shapes: groups that differ anywhere differ here
  std::string_view algorithm = "none";
  Clock::time_point submittedAt, agreedAt, startedAt, endedAt;
  uint16_t nameLength = 0;
  std::array<char, kNameBytes> nameBytes{};

  std::string_view name() const { return {nameBytes.data(), nameLength}; }
};

/// The last operations of a rank, kept in memory for the day on which something goes wrong (the idea is PyTorch's). Any
/// thread; a short lock for each step of an operation, and no allocation.
class FlightRecorder {
 public:
  /// Keeps the last `capacity` operations; 0 keeps none.
  explicit FlightRecorder(size_t capacity) : places_(capacity) {}

  /// Shows every operation on `timeline` too, while that is on; it must outlive this. Before the first operation.
  void showOn(TimelineTrack* timeline) { timeline_ = timeline; }
  /// Shows what is under way, when the timeline ends: it may be what everybody waits for.
  void showUnfinished();

  /// The steps of an operation. The first gives the number that the others take; 0 is taken too, and nothing is kept.
  uint64_t submitted(const Request& request, bool direct);
  void agreed(uint64_t sequence);
  void started(uint64_t sequence, std::string_view algorithm);
  void ended(uint64_t sequence, const Status& status);
  /// agreed, started and ended in one go, for data that travel with the agreement.
  void travelled(uint64_t sequence);
  /// It did not get through the short way: the coordinator is asked from now on.
  void tookTheLongWay(uint64_t sequence);

  /// An operation that waits for other ranks on the short way.
  struct DirectWait {
    uint64_t sequence;
    std::string name;
    std::string what;  // `allreduce "x"`
    Clock::time_point since;
  };
  std::optional<DirectWait> directWait() const;

  /// What this rank is at, in words: `waits for allreduce "x"`, or what it did last.
  std::string describeWaiting() const;

  /// What is kept, the oldest first.
  std::vector<FlightRecord> records() const;

 private:
  FlightRecord* find(uint64_t sequence) REQUIRES(mutex_);
  FlightRecord* agree(uint64_t sequence, Clock::time_point now) REQUIRES(mutex_);
  bool shows() const { return timeline_ && timeline_->on(); }

  TimelineTrack* timeline_ = nullptr;

  mutable Mutex mutex_;
  std::vector<FlightRecord> places_ GUARDED_BY(mutex_);
  uint64_t latest_ GUARDED_BY(mutex_) = 0;
  uint64_t agreed_ GUARDED_BY(mutex_) = 0;
  uint64_t direct_ GUARDED_BY(mutex_) = 0;  // the one that waits on the short way
};

}  // namespace tsring
