#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "collective/backend.h"
#include "collective/selection.h"
#include "engine/block_pool.h"
#include "engine/device_flights.h"
#include "engine/device_way.h"
#include "engine/fusion_plan.h"
#include "engine/means.h"
#include "engine/members.h"
#include "engine/pending_table.h"
#include "engine/timeline.h"

namespace tsring {

/// The data thread: carries out agreed operations in the order in which they were agreed on, one after the other; on a
/// GPU of several streams, so many side by side.
class Executor {
 public:
  /// An operation failed: the reason, on the data thread. Returns what to tell its owner, which may be a better reason.
  using OnFailure = std::function<Status(const Status&)>;

  /// All must outlive this.
  Executor(int rank, Members members, CollectiveBackend& backend, PendingTable& pending, FlightRecorder& recorder,
           size_t fusionThresholdBytes, OnFailure onFailure);
  ~Executor();

  /// Tells `timeline` of the phases of operations, while it is on. Before the first operation.
  void showOn(TimelineTrack* timeline) { timeline_ = timeline; }

  /// What does operations on GPUs; it must outlive this. Before the first operation.
  void useDevice(DeviceWay* device) { device_ = device; }

  /// Has `told` called, on the data thread, whenever an operation has been carried out. Before the first operation.
  void onCarriedOut(std::function<void()> told) { onCarriedOut_ = std::move(told); }

  /// Has `told` called where all ranks begin to go by another tuning, between two operations. Before the first
  /// operation.
  void onRetuned(std::function<void(const Tuning&)> told) { onRetuned_ = std::move(told); }

  /// An operation that all ranks have agreed on. Any thread.
  void enqueue(Operation operation);
  /// Operations that were enqueued and are not carried out. Any thread.
  size_t underWay() const { return underWay_.load(); }

  /// Lets go of memory that no result lies in. Any thread.
  void trimMemory() { pool_.trim(); }

  /// From now on nothing is begun; what waits fails with `reason`. Any thread. (To end a running one, interrupt the
  /// mesh.)
  void fail(const Status& reason);

  /// Waits until all agreed work is done, or the deadline. False when some was left.
  bool drain(Deadline deadline);

  /// Ends the thread after what it is doing.
  void stop();

  /// Carries out an operation that all ranks have agreed on, on the calling thread. Only while nothing is queued or
  /// under way. `record` is its number in the flight recorder.
  Outcome perform(const Operation& operation, uint64_t record) { return carryOut(operation, record); }
  /// What to tell of an operation that failed for `reason`: the ring's word on it.
  Status failed(const RequestHeader& header, const Status& reason) { return failureOf(header, onFailure_(reason)); }
  /// Memory for results, from the pool.
  std::shared_ptr<Block> memory(size_t bytes) { return pool_.take(bytes); }

 private:
  void run();
  void begin(Operation operation, const Status& failed);
  bool mayBegin() const REQUIRES(mutex_);
  bool awaitOldest(const std::function<bool()>& enough);
  void settle(const Operation& operation, Outcome outcome);
  Outcome carryOut(const Operation& operation, uint64_t record);
  DeviceWay::Begun start(const Operation& operation, uint64_t record);
  Outcome judged(const Operation& operation, Outcome outcome);
  std::string_view wayOf(const Operation& operation) const;
  DeviceWay::Begun startOnDevice(const Operation& operation);
  Outcome carryOutOnHost(const Operation& operation);
  Means means() { return {backend_, pool_, fusionThresholdBytes_}; }
  Status broadcast(const Operation& operation, Outcome& outcome);
  Status retune(const Operation& operation);

  const int rank_;
  const Members members_;
  CollectiveBackend& backend_;
  PendingTable& pending_;
  FlightRecorder& recorder_;
  TimelineTrack* timeline_ = nullptr;
  DeviceWay* device_ = nullptr;
  size_t fusionThresholdBytes_;  // changed by retune()
  const OnFailure onFailure_;
  std::function<void()> onCarriedOut_ = [] {};
  std::function<void(const Tuning&)> onRetuned_ = [](const Tuning& /*tuning*/) {};
  std::atomic<size_t> underWay_ = 0;
  BlockPool pool_;
  DeviceFlights flights_;

  Mutex mutex_;
  Condition changed_;
  std::deque<Operation> queue_ GUARDED_BY(mutex_);
  bool busy_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  Status failed_ GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace tsring
