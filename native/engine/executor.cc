#include "engine/executor.h"

#include <algorithm>
#include <optional>
#include <span>

#include "engine/allgather.h"
#include "engine/allreduce.h"
#include "engine/alltoall.h"
#include "engine/packing.h"
#include "engine/reducescatter.h"
#include "engine/result_shapes.h"
#include "engine/staged_operation.h"
#include "engine/through_buckets.h"

namespace tsring {
namespace {

constexpr std::chrono::hours kIdle{
    1};  // an idle data thread looks around this often, for no reason but that every wait ends

}  // namespace

Executor::Executor(int rank, Members members, CollectiveBackend& backend, PendingTable& pending,
                   FlightRecorder& recorder, size_t fusionThresholdBytes, OnFailure onFailure)
    : rank_(rank),
      members_(std::move(members)),
      backend_(backend),
      pending_(pending),
      recorder_(recorder),
      fusionThresholdBytes_(fusionThresholdBytes),
      onFailure_(std::move(onFailure)),
      thread_([this] { run(); }) {}

Executor::~Executor() {
  stop();
}

void Executor::enqueue(Operation operation) {
  MutexLock lock(mutex_);
  ++underWay_;
  queue_.push_back(std::move(operation));
  changed_.notifyAll();
}

void Executor::fail(const Status& reason) {
  MutexLock lock(mutex_);
  if (failed_.ok()) failed_ = reason;
}

bool Executor::drain(Deadline deadline) {
  MutexLock lock(mutex_);
  return changed_.waitUntil(mutex_, deadline, [this] { return queue_.empty() && !busy_; });
}

void Executor::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Executor::run() {
  for (;;) {
    std::optional<Operation> operation;
    Status failed;
    {
      MutexLock lock(mutex_);
      if (flights_.empty()) {
        busy_ = false;
        changed_.notifyAll();
        if (!changed_.waitUntil(mutex_, Deadline::in(kIdle), [this] { return stopping_ || !queue_.empty(); })) continue;
        if (queue_.empty()) return;
      }
      if (mayBegin()) {
        operation = std::move(queue_.front());
        queue_.pop_front();
        busy_ = true;
        failed = stopping_ ? Status(StatusCode::kShutDown, "the ring was shut down") : failed_;
      }
    }
    if (operation) {
      begin(*std::move(operation), failed);
    } else {
      awaitOldest([this] {
        MutexLock lock(mutex_);
        return mayBegin();
      });
    }
  }
}

void Executor::begin(Operation operation, const Status& failed) {
  if (!failed.ok()) return settle(operation, {failureOf(operation.request.header, failed), {}, {}, nullptr});
  const PhaseScope phases(timeline_ && timeline_->on() ? timeline_ : nullptr);
  auto [outcome, work] = start(operation, operation.ticket->record);
  if (!work) return settle(operation, std::move(outcome));
  flights_.add({std::move(operation), std::move(outcome), std::move(work), Phase("on the GPU", Phase::Beside::kYes)});
}

/// What next is in the queue may begin beside what is under way.
bool Executor::mayBegin() const {
  return !queue_.empty() && (flights_.empty() || flights_.admit(queue_.front(), device_->backend().streams()));
}

/// False where `enough` said so before it was done.
bool Executor::awaitOldest(const std::function<bool()>& enough) {
  DeviceFlight& flight = flights_.oldest();
  const auto waited = flight.work->wait(enough);
  if (waited.ok() && !waited.value()) return false;
  flight.outcome.status = waited.status();
  flight.phase.end();
  settle(flight.operation, judged(flight.operation, std::move(flight.outcome)));
  flights_.removeOldest();
  return true;
}

void Executor::settle(const Operation& operation, Outcome outcome) {
  pending_.settle(operation.ticket, std::move(outcome));
  --underWay_;
  onCarriedOut_();
}

Outcome Executor::carryOut(const Operation& operation, uint64_t record) {
  const PhaseScope phases(timeline_ && timeline_->on() ? timeline_ : nullptr);
  auto [outcome, work] = start(operation, record);
  if (!work) return std::move(outcome);
  outcome.status = work->wait([] { return false; }).status();
  return judged(operation, std::move(outcome));
}

DeviceWay::Begun Executor::start(const Operation& operation, uint64_t record) {
  recorder_.started(record, wayOf(operation));
  const bool onDevice = operation.request.header.onDevice();
  DeviceWay::Begun begun = onDevice ? startOnDevice(operation) : DeviceWay::Begun{carryOutOnHost(operation), nullptr};
  begun.outcome = judged(operation, std::move(begun.outcome));
  return begun;
}

/// The outcome, or what to tell of the failure.
Outcome Executor::judged(const Operation& operation, Outcome outcome) {
  if (outcome.status.ok()) return outcome;
  // What GPUs cannot do is known on all ranks alike, before anything is moved: the ring goes on.
  const RequestHeader& header = operation.request.header;
  const bool goesOn = header.onDevice() && outcome.status.code() == StatusCode::kUnsupported;
  return {goesOn ? failureOf(header, outcome.status) : failed(header, outcome.status), {}, {}, nullptr};
}

DeviceWay::Begun Executor::startOnDevice(const Operation& operation) {
  return device_->begin(operation, fusionThresholdBytes_, [&] {
    // Operations end in the order in which they began.
    while (!flights_.empty()) awaitOldest([] { return false; });
    const RequestHeader& header = operation.request.header;
    const bool reads = header.kind != OperationKind::kBroadcast || *members_.placeOf(header.rootRank) == rank_;
    return stagedOperation(device_->backend(), operation, reads,
                           [this](const Operation& staged) { return carryOutOnHost(staged); });
  });
}

Outcome Executor::carryOutOnHost(const Operation& operation) {
  Outcome outcome;
  outcome.shapes = operation.request.shapes;
  switch (operation.request.header.kind) {
    case OperationKind::kAllreduce:
      outcome.status = allreduce(means(), operation, outcome);
      break;
    case OperationKind::kBroadcast:
      outcome.status = broadcast(operation, outcome);
      break;
    case OperationKind::kAllgather:
      outcome.status = allgather(means(), operation, outcome);
      break;
    case OperationKind::kReducescatter:
      outcome.status = reducescatter(means(), operation, outcome);
      break;
    case OperationKind::kAlltoall:
      outcome.status = alltoall(means(), operation, outcome);
      break;
    case OperationKind::kBarrier:
      break;  // that all have agreed is all there is to it
    case OperationKind::kRetune:
      outcome.status = retune(operation);
      break;
    case OperationKind::kJoin:
      outcome.lastRank = operation.lastRank;
      break;
  }
  return outcome;
}

/// By what the first bucket, or the only one, is combined.
std::string_view Executor::wayOf(const Operation& operation) const {
  const RequestHeader& header = operation.request.header;
  if (header.kind != OperationKind::kAllreduce || header.payload == DType::kInt8) return "none";
  if (header.onDevice()) {
    if (const std::string_view way = device_->wayOf(operation); !way.empty()) return way;
  }
  size_t bytes = 0;
  for (const Shape& shape : operation.request.shapes) bytes += byteSize(operation.request, shape);
  return backend_.allreduceWay(std::min(bytes, std::max<size_t>(fusionThresholdBytes_, 1)));
}

Status Executor::broadcast(const Operation& operation, Outcome& outcome) {
  const int root = *members_.placeOf(operation.request.header.rootRank);
  const auto send = [&](std::span<std::byte> data, std::span<const Range> /*tensors*/) {
    return backend_.broadcast(data, root);
  };
  return throughBuckets(means(), operation, outcome, {.readsInputs = rank_ == root, .endToEnd = send});
}

/// The first rank's word on how all go on.
Status Executor::retune(const Operation& operation) {
  Bytes record(byteSize(operation.request, operation.request.shapes.front()));
  if (rank_ == 0) copyBytes(record.data(), operation.tensors.front().input, record.size());
  if (Status s = backend_.broadcast(record, 0); !s.ok()) return s;
  const auto tuning = tuningIn(record);
  if (!tuning) return Status::okay();  // the first rank has joined, and decides nothing
  fusionThresholdBytes_ = tuning->fusionThresholdBytes;
  onRetuned_(*tuning);
  return Status::okay();
}

}  // namespace tsring
