#include "engine/session_engine.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "nccl/hierarchical_nccl_backend.h"

namespace tsring {
namespace {

constexpr std::chrono::seconds kFinishTime{5};    // for agreed work, when the ring is left
constexpr std::chrono::seconds kFarewellTime{2};  // for the others to hear that we leave
constexpr std::chrono::seconds kVerdictTime{2};   // for the ring's word on an error of ours

}  // namespace

// One rank alone has a place for a link to itself, as all have.
Result<Links> Session::Engine::link(const std::vector<Peer>& peers, Deadline deadline) {
  if (options.size == 1) {
    Links none;
    none.control.resize(1);
    none.data.resize(1);
    none.data.front().resize(plane.links().data);
    none.agreement.resize(1);
    return none;
  }
  if (!listener) return Status(StatusCode::kInvalidArgument, "connect: listen first");
  JobCredentials job{options.secret, options.jobId};
  std::unique_ptr<TlsContext> tls;
  if (options.encrypt) {
    auto made = TlsContext::make(tlsKey(job.secret, job.jobId));
    if (!made.ok()) return made.status();
    tls = std::move(made).value();
    job.tls = tls.get();
  }
  Listener own = *std::move(listener);
  listener.reset();
  return linkUp(std::move(own), job, static_cast<uint32_t>(options.rank), options.generation, peers, deadline,
                plane.links());
}

Status Session::Engine::submit(const std::shared_ptr<Ticket>& ticket, Request request,
                               std::vector<TensorBuffer> tensors, Status objection) {
  Terms terms{request.header.timeout, std::move(objection)};
  if (Status s = pending.add({ticket, request, std::move(tensors), {}}); !s.ok()) return s;
  control->post(std::move(request), std::move(terms));
  return Status::okay();
}

// `process set 0, 2`; nothing for the job itself.
std::string Session::Engine::nameOfSet() const {
  std::string text;
  for (const int rank : options.members) text.append(text.empty() ? "process set " : ", ").append(std::to_string(rank));
  return text;
}

void Session::Engine::leave() {
  const Status reason(StatusCode::kShutDown, "the ring was shut down");
  auto givenUp = pending.fail(reason);
  if (!control) return;
  if (!executor->drain(Deadline::in(kFinishTime))) {
    std::ranges::move(pending.unsettled(), std::back_inserter(givenUp));
    breakWith(reason, true);
  }
  if (plane.agreement()) plane.agreement()->leave();
  control->leave(std::move(givenUp), Deadline::in(kFarewellTime));
  executor->stop();
  device->close();
  recorder.showUnfinished();
  if (timeline) timeline->stop();
}

/// NCCL among all GPUs or, by choice, among those of each host.
std::unique_ptr<DeviceBackend> Session::Engine::onGpus(const std::vector<std::string>& names) const {
  GpuChoice choice{options.cudaDevice, options.ncclLibrary, plane.tuning().numNcclStreams};
  CollectiveBackend& all = plane.collectives();
  CollectiveBackend* const across = plane.acrossHosts();
  if (!across) return std::make_unique<NcclBackend>(all, choice, names, options.timeout);
  choice.streams = 1;  // segments of one operation go on side by side there
  auto inside = std::make_unique<NcclBackend>(all, choice, names, options.timeout, plane.topology().insideHost());
  return std::make_unique<HierarchicalNcclBackend>(std::move(inside), *across, all);
}

void Session::Engine::start(std::vector<Socket> controlLinks, std::vector<std::string> names) {
  CollectiveBackend& moves = plane.collectives();
  pending.recordIn(&recorder);
  recorder.showOn(&track);
  executor =
      std::make_unique<Executor>(options.rank, members, moves, pending, recorder, plane.tuning().fusionThresholdBytes,
                                 [this](const Status& status) { return onFailure(status); });
  executor->showOn(&track);
  device = onGpus(names);
  deviceWay = std::make_unique<DeviceWay>(*device, members, log);
  executor->useDevice(deviceWay.get());
  executor->onRetuned([this](const Tuning& next) { plane.retune(next); });
  executor->onCarriedOut([this] { control->carriedOut(); });
  if (Agreement* const agreement = plane.agreement()) {
    pending.announceTo(agreement);
    direct = std::make_unique<DirectPath>(*agreement, *executor, recorder, static_cast<size_t>(options.size));
  }
  control = std::make_unique<Control>(
      Control::Options{options.rank, options.size, options.timeout, options.heartbeatTimeout, options.stallCheck,
                       options.stallShutdown, sharesClock, options.cacheCapacity, std::move(names), members, log},
      std::move(controlLinks), options.generation, recorder,
      Control::Callbacks{[this](Verdict verdict) { onVerdict(std::move(verdict)); },
                         [this](const Status& reason, Control::Agreed agreed) {
                           onBroken(reason, agreed == Control::Agreed::kInterrupt);
                         },
                         [this] { dumper.asked(); }, [this](std::chrono::nanoseconds offset) { clockOffset = offset; },
                         [this] { return executor->underWay(); }});
}

// Control thread.
void Session::Engine::onVerdict(Verdict verdict) {
  auto operation = pending.take(verdict.name);
  // One that was given up for its deadline is not known to all: it does not count.
  if (!operation) return standIn(std::move(verdict));
  if (verdict.status.code() != StatusCode::kTimeout) recorder.agreed(operation->ticket->record);
  if (!verdict.status.ok()) {
    pending.settle(operation->ticket, {verdict.status, {}, {}, nullptr});
    dumper.operationFailed(verdict.status);
    return;
  }
  operation->shapesByRank = std::move(verdict.shapes);
  operation->splitsByRank = std::move(verdict.splits);
  operation->lastRank = verdict.lastRank;
  operation->hostRank = verdict.hostRank;
  executor->enqueue(*std::move(operation));
}

// An operation that this rank has not asked for: it has joined, and brings zeros and no rows. Or it has given up what
// it asked for, as the ring is being left.
void Session::Engine::standIn(Verdict verdict) {
  // What is refused counts on all ranks alike, so that their records can be compared.
  if (!verdict.status.ok() && verdict.status.code() != StatusCode::kTimeout) recorder.agreed(0);
  if (!verdict.status.ok() || !verdict.request || !pending.standIn(verdict.name)) return;
  Request request = *std::move(verdict.request);
  if (request.header.kind == OperationKind::kAllgather) request.shapes = withoutRows(std::move(request.shapes));
  const auto ticket = std::make_shared<Ticket>(0, std::weak_ptr<Session>(), request.header);
  ticket->record = recorder.submitted(request, false);
  recorder.agreed(ticket->record);
  std::vector<TensorBuffer> nothing(request.shapes.size());
  executor->enqueue({ticket, std::move(request), std::move(nothing), std::move(verdict.shapes)});
}

// Control thread. What breaks a process set breaks the job: its word, the same for all, comes first. (Not where a rank
// has left: only the rings that it was in are without it.)
void Session::Engine::onBroken(const Status& reason, bool interrupt) {
  breakWith(parent && interrupt ? parent->engine_->wordOn(reason) : reason, interrupt);
}

// Control thread, that of the parent, or the one that closes.
void Session::Engine::breakWith(const Status& reason, bool interrupt) {
  bool leaving;
  {
    MutexLock lock(mutex);
    if (broken.ok()) broken = reason;
    if (interrupt) fatally = true;
    brokenChanged.notifyAll();
    leaving = closed;
  }
  if (interrupt) {
    for (const auto& set : sets()) set->engine_->breakWith(reason, true);
    executor->fail(reason);
    plane.interrupt();
    if (device) device->interrupt();
  }
  // What was under way shows best before it is failed.
  const auto records = dumper.dumpsFailures() ? recorder.records() : std::vector<FlightRecord>();
  const bool missed = !pending.fail(reason).empty();
  if ((interrupt || missed) && !leaving) dumper.ringFailed(reason, records);
}

// The parent's, on a control thread of a process set.
Status Session::Engine::wordOn(const Status& failureOfSet) {
  {
    MutexLock lock(mutex);
    if (closed || (!broken.ok() && !fatally)) return failureOfSet;
  }
  return onFailure(failureOfSet);
}

// The parent's: takes a process set in that has just been linked up. One that comes too late ends at once.
void Session::Engine::adopt(const std::shared_ptr<Session>& set) {
  Status end;
  {
    MutexLock lock(mutex);
    std::erase_if(children, [](const auto& child) { return child.expired(); });
    children.push_back(set);
    if (fatally) end = broken;
    if (closed) end = Status(StatusCode::kShutDown, "the ring was shut down");
  }
  if (!end.ok()) set->engine_->breakWith(end, true);
}

std::vector<std::shared_ptr<Session>> Session::Engine::sets() {
  MutexLock lock(mutex);
  std::vector<std::shared_ptr<Session>> alive;
  for (const auto& child : children) {
    if (auto set = child.lock()) alive.push_back(std::move(set));
  }
  return alive;
}

// Data thread. What failed here may be the echo of what broke the ring: the coordinator's word, the same for all ranks,
// comes first.
Status Session::Engine::onFailure(const Status& status) {
  {
    MutexLock lock(mutex);
    if (!broken.ok()) return broken;
  }
  control->report(status);
  MutexLock lock(mutex);
  const bool told = brokenChanged.waitUntil(mutex, Deadline::in(kVerdictTime), [this] { return !broken.ok(); });
  return told ? broken : status;
}

}  // namespace tsring
