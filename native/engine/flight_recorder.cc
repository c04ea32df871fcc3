#include "engine/flight_recorder.h"

#include <algorithm>
#include <cstdio>

namespace tsring {
namespace {

// Operations that one description names.
constexpr size_t kMostDescribed = 3;

constexpr uint64_t kHashStart = 0xcbf29ce484222325U;  // FNV-1a, 64 bits

uint64_t mixFnv(uint64_t hash, uint64_t value) {
  return (hash ^ value) * 0x100000001b3U;
}

/// A name that is too long keeps its beginning, and a hash of the whole so that equal records still mean equal names.
void setName(FlightRecord& record, std::string_view name) {
  const size_t kept = std::min(name.size(), FlightRecord::kNameBytes);
  std::copy_n(name.data(), kept, record.nameBytes.data());
  record.nameLength = static_cast<uint16_t>(kept);
  if (name.size() <= FlightRecord::kNameBytes) return;
  uint64_t hash = kHashStart;
  for (const char c : name) hash = mixFnv(hash, static_cast<unsigned char>(c));
  constexpr size_t kTail = sizeof("...#0123456789abcdef");
  std::snprintf(record.nameBytes.data() + FlightRecord::kNameBytes - kTail, kTail, "...#%016llx",
                static_cast<unsigned long long>(hash));
  record.nameLength = FlightRecord::kNameBytes - 1;
}

void setShapes(FlightRecord& record, const Request& request) {
  record.tensors = static_cast<uint32_t>(request.shapes.size());
  record.bytes = 0;
  record.dimensions = 0;
  uint64_t hash = kHashStart;
  for (const Shape& shape : request.shapes) {
    hash = mixFnv(hash, shape.size());
    for (const int64_t extent : shape) hash = mixFnv(hash, static_cast<uint64_t>(extent));
    record.bytes += elementCount(shape) * elementSize(request.header.dtype);
  }
  record.shapesHash = hash;
  if (request.shapes.empty()) return;
  const Shape& first = request.shapes.front();
  record.dimensions = static_cast<uint32_t>(first.size());
  std::copy_n(first.begin(), std::min(first.size(), FlightRecord::kDimensions), record.extents.begin());
}

std::string describe(const FlightRecord& record) {
  return std::string(operationName(record.kind)).append(" \"").append(record.name()).append("\"");
}

/// What overlaps with other operations.
Timeline::Event stage(const char* name, const FlightRecord& record, Clock::time_point begin, Clock::time_point end) {
  return {name, describe(record), begin, end, Timeline::Lane::kCalls, record.sequence, record.bytes, {}};
}

/// What does not: one operation at a time is carried out.
Timeline::Event whole(const FlightRecord& record, Clock::time_point begin, Clock::time_point end) {
  const auto lane = record.direct ? Timeline::Lane::kCalls : Timeline::Lane::kData;
  return {"operation", describe(record), begin, end, lane, 0, record.bytes, record.algorithm};
}

}  // namespace

std::string_view flightStateName(FlightState state) {
  constexpr std::string_view kNames[] = {"submitted", "agreed", "running", "done", "failed"};
  return kNames[static_cast<size_t>(state)];
}

uint64_t FlightRecorder::submitted(const Request& request, bool direct) {
  const auto now = Clock::now();
  MutexLock lock(mutex_);
  if (places_.empty()) return 0;
  FlightRecord& record = places_[++latest_ % places_.size()];
  record.sequence = latest_;
  record.agreed = 0;
  record.kind = request.header.kind;
  record.dtype = request.header.dtype;
  record.op = request.header.op;
  record.rootRank = request.header.rootRank;
  record.state = FlightState::kSubmitted;
  record.code = StatusCode::kOk;
  record.direct = direct;
  record.algorithm = "none";
  record.submittedAt = now;
  record.agreedAt = record.startedAt = record.endedAt = {};
  setName(record, request.header.name);
  setShapes(record, request);
  if (direct) direct_ = latest_;
  return latest_;
}

void FlightRecorder::agreed(uint64_t sequence) {
  const auto now = Clock::now();
  MutexLock lock(mutex_);
  FlightRecord* const record = agree(sequence, now);
  if (!record) return;
  record->state = FlightState::kAgreed;
  if (shows()) timeline_->add(stage("negotiate", *record, record->submittedAt, now));
}

void FlightRecorder::started(uint64_t sequence, std::string_view algorithm) {
  const auto now = Clock::now();
  MutexLock lock(mutex_);
  FlightRecord* record = find(sequence);
  if (!record) return;
  record->startedAt = now;
  record->algorithm = algorithm;
  record->state = FlightState::kRunning;
  if (shows()) timeline_->add(stage("queue", *record, record->agreedAt, now));
}

void FlightRecorder::ended(uint64_t sequence, const Status& status) {
  const auto now = Clock::now();
  MutexLock lock(mutex_);
  if (direct_ == sequence) direct_ = 0;
  FlightRecord* record = find(sequence);
  if (!record) return;
  record->endedAt = now;
  record->code = status.code();
  record->state = status.ok() ? FlightState::kDone : FlightState::kFailed;
  if (!shows()) return;
  if (record->startedAt == Clock::time_point()) {
    timeline_->add(stage("failed", *record, record->submittedAt, now));
  } else {
    timeline_->add(whole(*record, record->startedAt, now));
  }
}

void FlightRecorder::travelled(uint64_t sequence) {
  const auto now = Clock::now();
  MutexLock lock(mutex_);
  FlightRecord* const record = agree(sequence, now);
  if (!record) return;
  record->startedAt = record->endedAt = now;
  record->algorithm = "with-agreement";
  record->state = FlightState::kDone;
  if (shows()) timeline_->add(whole(*record, record->submittedAt, now));
}

void FlightRecorder::showUnfinished() {
  const auto now = Clock::now();
  MutexLock lock(mutex_);
  if (!shows()) return;
  for (const FlightRecord& record : places_) {
    if (record.sequence == 0 || record.state >= FlightState::kDone) continue;
    timeline_->add(stage("unfinished", record, record.submittedAt, now));
  }
}

void FlightRecorder::tookTheLongWay(uint64_t sequence) {
  MutexLock lock(mutex_);
  if (direct_ == sequence) direct_ = 0;
  if (FlightRecord* record = find(sequence)) record->direct = false;
}

std::optional<FlightRecorder::DirectWait> FlightRecorder::directWait() const {
  MutexLock lock(mutex_);
  if (direct_ == 0) return std::nullopt;
  const FlightRecord& record = places_[direct_ % places_.size()];
  return DirectWait{direct_, std::string(record.name()), describe(record), record.submittedAt};
}

std::string FlightRecorder::describeWaiting() const {
  const auto all = records();
  std::string text;
  size_t open = 0;
  for (const FlightRecord& record : all) {
    if (record.state >= FlightState::kDone) continue;
    if (++open > kMostDescribed) continue;
    text.append(open > 1 ? ", " : "").append(record.state == FlightState::kSubmitted ? "waits for " : "is inside ");
    text.append(describe(record));
  }
  if (open > kMostDescribed) text.append(" and " + std::to_string(open - kMostDescribed) + " more");
  if (open > 0) return text;
  if (all.empty()) return "has asked for nothing yet";
  return "waits for nothing, its last was " + describe(all.back());
}

std::vector<FlightRecord> FlightRecorder::records() const {
  std::vector<FlightRecord> kept;
  MutexLock lock(mutex_);
  for (uint64_t age = std::min<uint64_t>(latest_, places_.size()); age > 0; --age) {
    kept.push_back(places_[(latest_ - age + 1) % places_.size()]);
  }
  return kept;
}

// Counts it as agreed on, whether or not it is kept; null where it is not.
FlightRecord* FlightRecorder::agree(uint64_t sequence, Clock::time_point now) {
  ++agreed_;
  if (direct_ == sequence) direct_ = 0;
  FlightRecord* const record = find(sequence);
  if (!record) return nullptr;
  record->agreed = agreed_;
  record->agreedAt = now;
  return record;
}

// Null when the operation has been overtaken by as many as are kept, or was never kept.
FlightRecord* FlightRecorder::find(uint64_t sequence) {
  if (sequence == 0 || places_.empty()) return nullptr;
  FlightRecord& record = places_[sequence % places_.size()];
  return record.sequence == sequence ? &record : nullptr;
}

}  // namespace tsring
