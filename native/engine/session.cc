#include "engine/session.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <optional>
#include <thread>

#include "collective/cpu_backend.h"
#include "collective/hierarchical.h"
#include "collective/recursive_doubling.h"
#include "collective/topology.h"
#include "engine/check_request.h"
#include "engine/control.h"
#include "engine/direct_path.h"
#include "engine/executor.h"
#include "engine/finite_check.h"
#include "engine/flight_dump.h"
#include "engine/flight_recorder.h"
#include "engine/members.h"
#include "engine/pending_table.h"
#include "nccl/nccl_backend.h"
#include "transport/agreement_of_one.h"
#include "transport/checksum_mesh.h"
#include "transport/shm/gate.h"
#include "transport/shm/share_host.h"
#include "transport/tcp/link_up.h"
#include "transport/tcp/message_gate.h"
#include "transport/tcp/tcp_mesh.h"

namespace tsring {
namespace {

constexpr std::chrono::seconds kFinishTime{5};    // for agreed work, when the ring is left
constexpr std::chrono::seconds kFarewellTime{2};  // for the others to hear that we leave
constexpr std::chrono::seconds kVerdictTime{2};   // for the ring's word on an error of ours
constexpr std::chrono::seconds kBetweenDumps{1};  // that failures of single operations cause
// How long a blocking call waits at the gate before it asks the coordinator, who can tell who is missing.
constexpr std::chrono::milliseconds kGatePatience{1000};
// A join takes as long as the others have work to do; the coordinator ends it if they do not get on.
constexpr std::chrono::hours kUntilAllJoin{24 * 365};
constexpr HostLayout kHostLayout{.slotBytes = 512 << 10, .offerBytes = 16 << 10};
std::string nameOf(int rank, const std::string& hostname) {
  return "rank " + std::to_string(rank) + " on " + hostname;
}

}  // namespace

/// What a session is made of. close() ends both threads before anything that they use goes.
struct Session::Engine {
  Engine(SessionOptions given, std::shared_ptr<Session> parentSession)
      : options(std::move(given)),
        members(options.members.empty() ? Members(options.size) : Members(options.members)),
        log(members.numberOf(options.rank), options.logLevel),
        parent(std::move(parentSession)),
        timeline(parent ? nullptr : std::make_unique<Timeline>(options.rank, options.hostname)),
        track(parent ? *parent->engine_->timeline : *timeline, nameOfSet()),
        recorder(options.flightRecorderSize),
        tuning(options.tuning) {
    tuning.fusionThresholdBytes = options.fusionThresholdBytes;
  }

  std::string nameOfSet() const;
  bool onOneHost() const { return topology.hosts.size() == 1; }
  bool mayShareMemory() const { return options.transport != Transport::kTcp && onOneHost(); }
  void leave();
  Status shareMemory(Deadline deadline);
  Result<bool> everywhere(bool here, Deadline deadline);
  Status agreeOnTuning(Deadline deadline);
  void sayWhatWasChosen() const;
  void start(std::vector<Socket> control, std::vector<std::string> names);
  void adopt(const std::shared_ptr<Session>& set);
  std::vector<std::shared_ptr<Session>> sets();
  void onVerdict(Verdict verdict);
  void standIn(Verdict verdict);
  void onBroken(const Status& reason, bool interrupt);
  void breakWith(const Status& reason, bool interrupt);
  Status onFailure(const Status& status);
  Status wordOn(const Status& failureOfSet);
  Status submit(const std::shared_ptr<Ticket>& ticket, Request request, std::vector<TensorBuffer> tensors,
                Status objection);
  void dump(std::string folder, std::string_view reason, const std::vector<FlightRecord>& records);
  void dumpFailure(const Status& reason, const std::vector<FlightRecord>& records);

  const SessionOptions options;
  const Members members;
  const Log log;
  const std::shared_ptr<Session> parent;  // of a process set
  std::optional<Listener> listener;       // between listen and connect

  Mutex mutex;
  Condition brokenChanged;
  Status broken GUARDED_BY(mutex);
  bool fatally GUARDED_BY(mutex) = false;  // broken in a way that concerns the process sets too
  bool closed GUARDED_BY(mutex) = false;
  std::vector<std::weak_ptr<Session>> children GUARDED_BY(mutex);

  const std::unique_ptr<Timeline> timeline;  // the job's; process sets have tracks on it
  TimelineTrack track;
  FlightRecorder recorder;
  Mutex dumping;  // the parent's thread may dump a process set
  std::atomic<Clock::time_point> lastDump{};
  PendingTable pending;
  bool sharesClock = true;                              // with rank 0
  std::atomic<std::chrono::nanoseconds> clockOffset{};  // to rank 0's clock
  std::unique_ptr<Mesh> mesh;
  Topology topology;
  std::unique_ptr<HostGroup> host;       // where the ranks of each host share memory
  std::unique_ptr<Agreement> agreement;  // of calls that block; null where too many ranks share no memory
  Tuning tuning;                         // rank 0's, at the start
  mutable Mutex retuning;                // the backends' tuning changes, or another thread looks at it
  std::unique_ptr<CpuBackend> backend;
  std::unique_ptr<HierarchicalBackend> twoLevels;  // instead of it, where several hosts share memory inside
  std::unique_ptr<DeviceBackend> device;           // the same on GPUs; begins with the first operation there
  std::unique_ptr<DirectPath> direct;              // where there is an agreement
  std::unique_ptr<Executor> executor;              // reports failures to control
  std::unique_ptr<Control> control;                // feeds the executor, so it starts after it
};

std::shared_ptr<Session> Session::create(SessionOptions options, std::shared_ptr<Session> parent) {
  return std::shared_ptr<Session>(new Session(std::move(options), std::move(parent)));
}

Session::Session(SessionOptions options, std::shared_ptr<Session> parent)
    : engine_(std::make_unique<Engine>(std::move(options), std::move(parent))) {}

Session::~Session() {
  close();
}

const SessionOptions& Session::options() const {
  return engine_->options;
}

Deadline Session::waitDeadline() const {
  // The engine keeps an operation's deadline for its start and for each silence during it; a long one that moves may
  // take longer.
  return Deadline::in(engine_->options.timeout * 10 + std::chrono::minutes(1));
}

Result<uint16_t> Session::listen(const std::string& host) {
  auto listener = Listener::bind(host);
  if (!listener.ok()) return listener.status();
  engine_->listener = std::move(listener).value();
  return engine_->listener->port();
}

Status Session::connect(const std::vector<PeerAddress>& peers, Deadline deadline) {
  const SessionOptions& options = engine_->options;
  if (peers.size() != static_cast<size_t>(options.size)) {
    return Status(StatusCode::kInvalidArgument, "connect: one address a rank is needed");
  }
  std::vector<Peer> links;
  std::vector<std::string> names;
  std::vector<std::string> hostIds;
  for (size_t rank = 0; rank < peers.size(); ++rank) {
    hostIds.push_back(peers[rank].hostId);
    names.push_back(nameOf(engine_->members.numberOf(static_cast<int>(rank)), peers[rank].hostname));
    links.push_back({peers[rank].host, peers[rank].port, names.back()});
  }
  engine_->topology = Topology::of(hostIds, options.rank);
  engine_->sharesClock = !hostIds.front().empty() && hostIds.front() == hostIds[static_cast<size_t>(options.rank)];
  if (!options.timelineFile.empty()) {
    if (Status s = startTimeline(options.timelineFile); !s.ok()) return s;
  }
  if (options.size == 1) {
    engine_->mesh = std::make_unique<TcpMesh>(0, std::vector<Socket>(1), names);
    engine_->agreement = std::make_unique<AgreementOfOne>();
    engine_->start(std::vector<Socket>(1), names);
    if (engine_->parent) engine_->parent->engine_->adopt(shared_from_this());
    return Status::okay();
  }
  if (!engine_->listener) return Status(StatusCode::kInvalidArgument, "connect: listen first");
  JobCredentials job{options.secret, options.jobId};
  std::unique_ptr<TlsContext> tls;
  if (options.encrypt) {
    auto made = TlsContext::make(tlsKey(job.secret, job.jobId));
    if (!made.ok()) return made.status();
    tls = std::move(made).value();
    job.tls = tls.get();
  }
  Listener listener = *std::move(engine_->listener);
  engine_->listener.reset();
  const bool byMessages = !engine_->mayShareMemory() && peers.size() <= MessageGate::kMostRanks;
  auto linked = linkUp(std::move(listener), job, static_cast<uint32_t>(options.rank), options.generation, links,
                       deadline, byMessages);
  if (!linked.ok()) return linked.status();
  engine_->mesh = std::make_unique<TcpMesh>(options.rank, std::move(linked.value().data), names);
  if (Status s = engine_->shareMemory(deadline); !s.ok()) return s;
  if (Status s = engine_->agreeOnTuning(deadline); !s.ok()) return s;
  const bool checksums = engine_->tuning.checksums;
  if (checksums) engine_->mesh = std::make_unique<ChecksumMesh>(std::move(engine_->mesh), names);
  // Small data would travel there without a checksum.
  if (byMessages && !checksums) {
    engine_->agreement = std::make_unique<MessageGate>(static_cast<size_t>(options.rank),
                                                       std::move(linked.value().agreement), names, options.timeout);
  }
  engine_->start(std::move(linked.value().control), names);
  if (engine_->parent) engine_->parent->engine_->adopt(shared_from_this());
  return Status::okay();
}

std::shared_ptr<Ticket> Session::open(RequestHeader header) {
  return TicketTable::process().open(shared_from_this(), std::move(header));
}

Status Session::submit(const std::shared_ptr<Ticket>& ticket, std::vector<Shape> shapes,
                       std::vector<TensorBuffer> tensors) {
  if (Status s = checkOpen(ticket->header, shapes, tensors); !s.ok()) return s;
  Status objection = engine_->options.checkFinite ? checkFinite(ticket->header, shapes, tensors) : Status::okay();
  return engine_->submit(ticket, {ticket->header, std::move(shapes)}, std::move(tensors), std::move(objection));
}

Status Session::Engine::submit(const std::shared_ptr<Ticket>& ticket, Request request,
                               std::vector<TensorBuffer> tensors, Status objection) {
  Terms terms{request.header.timeout, std::move(objection)};
  if (Status s = pending.add({ticket, request, std::move(tensors), {}}); !s.ok()) return s;
  control->post(std::move(request), std::move(terms));
  return Status::okay();
}

Outcome Session::run(RequestHeader header, std::vector<Shape> shapes, std::vector<TensorBuffer> tensors) {
  if (Status s = checkOpen(header, shapes, tensors); !s.ok()) return {s, {}, {}, nullptr};
  if (engine_->pending.joining()) return {joinedAlready(header), {}, {}, nullptr};
  const bool joins = header.kind == OperationKind::kJoin;
  const Deadline deadline = joins ? Deadline::in(kUntilAllJoin) : waitDeadline();
  Status objection = engine_->options.checkFinite ? checkFinite(header, shapes, tensors) : Status::okay();
  Operation operation{nullptr, {std::move(header), std::move(shapes)}, std::move(tensors), {}};
  uint64_t record = 0;
  // What is unusual wants the coordinator.
  if (engine_->direct && !joins && objection.ok() && operation.request.header.timeout.count() == 0) {
    record = engine_->recorder.submitted(operation.request, true);
    if (auto outcome = engine_->direct->tryRun(operation, record)) return *std::move(outcome);
  }
  const auto ticket = open(operation.request.header);
  ticket->record = record;
  const Status submitted =
      engine_->submit(ticket, std::move(operation.request), std::move(operation.tensors), std::move(objection));
  Outcome outcome = submitted.ok() ? ticket->wait(deadline) : Outcome{submitted, {}, {}, nullptr};
  TicketTable::process().close(ticket->id);
  return outcome;
}

std::string_view Session::algorithm(size_t bytes) const {
  if (!engine_->backend || engine_->options.size == 1) return "none";
  const Engine& engine = *engine_;
  MutexLock lock(engine.retuning);
  return algorithmName(engine.twoLevels ? engine.twoLevels->algorithm(bytes) : engine.backend->algorithm(bytes));
}

Result<std::vector<double>> Session::time(Algorithm algorithm, size_t bytes, size_t rounds) {
  if (!engine_->backend || engine_->options.size == 1) {
    return Status(StatusCode::kInvalidArgument, "there is nothing to time: the ring has one rank, or is not connected");
  }
  auto took = engine_->backend->time(algorithm, bytes, rounds);
  if (!took.ok() && took.status().code() != StatusCode::kInvalidArgument) return engine_->onFailure(took.status());
  return took;
}

Status Session::retune(const Trial& trial) {
  Tuning tuning = engine_->tuning;
  tuning.fusionThresholdBytes = trial.fusionThresholdBytes;
  tuning.pieceBytes = trial.pieceBytes;
  for (Costs::One& cost : tuning.costs.of) {
    const uint64_t scaled = uint64_t{cost.stepNanoseconds} * trial.stepCostPercent / 100;
    cost.stepNanoseconds = static_cast<uint32_t>(std::min<uint64_t>(scaled, UINT32_MAX));
  }
  const Bytes record = tuningRecord(tuning);
  RequestHeader header;
  header.kind = OperationKind::kRetune;
  header.name = "retune";
  header.dtype = DType::kUint8;
  return run(std::move(header), {{static_cast<int64_t>(record.size())}}, {{.input = record.data()}}).status;
}

Status Session::startTimeline(const std::string& file) {
  if (engine_->parent) return Status(StatusCode::kInvalidArgument, "startTimeline: a process set is on the job's");
  return engine_->timeline->start(file, [engine = engine_.get()] { return engine->clockOffset.load(); });
}

void Session::stopTimeline() {
  for (const auto& set : engine_->sets()) set->engine_->recorder.showUnfinished();
  engine_->recorder.showUnfinished();
  if (engine_->timeline) engine_->timeline->stop();
}

Status Session::checkOpen(const RequestHeader& header, const std::vector<Shape>& shapes,
                          const std::vector<TensorBuffer>& tensors) const {
  if (!engine_->control) return Status(StatusCode::kShutDown, describe(header) + ": the ring is not connected");
  {
    MutexLock lock(engine_->mutex);
    if (engine_->closed) return Status(StatusCode::kShutDown, describe(header) + ": the ring was shut down");
  }
  return checkRequest(header, shapes, tensors, engine_->members);
}

void Session::close() {
  Engine& engine = *engine_;
  {
    MutexLock lock(engine.mutex);
    if (std::exchange(engine.closed, true)) return;
  }
  // All at the same time: each waits a while for its peers to leave too.
  std::vector<std::thread> closing;
  for (const auto& set : engine.sets()) closing.emplace_back([set] { set->close(); });
  engine.leave();
  for (std::thread& thread : closing) thread.join();
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
  if (agreement) agreement->leave();
  control->leave(std::move(givenUp), Deadline::in(kFarewellTime));
  executor->stop();
  device->close();
  recorder.showUnfinished();
  if (timeline) timeline->stop();
}

// Ranks of one host share memory, unless they were told not to or one of them cannot; on all hosts or none.
Status Session::Engine::shareMemory(Deadline deadline) {
  if (options.transport == Transport::kTcp) return Status::okay();
  if (!onOneHost() && !topology.twoLevels()) {
    if (options.transport == Transport::kShm) {
      return Status(
          StatusCode::kUnsupported,
          "transport shm: wants all ranks on one host, or on several hosts equally many, two or more; use auto "
          "or tcp");
    }
    if (options.rank == 0 && topology.hosts.size() < static_cast<size_t>(options.size)) {
      log.info("hosts have different numbers of ranks: all data go over TCP, also inside a host");
    }
    return Status::okay();
  }
  auto shared = shareHost(*mesh, topology.neighbours(), kHostLayout, deadline);
  Status failure = shared.ok() ? Status::okay() : shared.status();
  if (failure.code() != StatusCode::kOk && failure.code() != StatusCode::kUnsupported &&
      failure.code() != StatusCode::kInternal) {
    return failure.withPrefix("shared memory: ");
  }
  const auto all = everywhere(shared.ok(), deadline);
  if (!all.ok()) return all.status().withPrefix("shared memory: ");
  if (all.value()) {
    host = std::move(shared).value();
    if (onOneHost()) agreement = std::make_unique<Gate>(*host, std::min(kGatePatience, options.timeout / 4));
    return Status::okay();
  }
  if (failure.ok()) failure = Status(StatusCode::kUnsupported, "the ranks of another host cannot share any");
  if (options.transport == Transport::kShm) return failure.withPrefix("shared memory: ");
  if (options.rank == 0) {
    log.warn("no shared memory between the ranks, they talk over TCP: " + std::string(failure.message()));
  }
  return Status::okay();
}

// Whether all ranks say so. On one host they know already.
Result<bool> Session::Engine::everywhere(bool here, Deadline deadline) {
  if (onOneHost()) return here;
  RingWorkspace workspace;
  std::byte all{here};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.at() - Clock::now());
  Status s = recursiveDoublingAllreduce(*mesh, Team::whole(options.rank, options.size), {&all, 1}, DType::kBool,
                                        ReduceOp::kMin, workspace, left);
  if (!s.ok()) return s;
  return all == std::byte{1};
}

// Ranks with different tuning must not choose differently: rank 0's counts.
Status Session::Engine::agreeOnTuning(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.at() - Clock::now());
  auto agreed = tsring::agreeOnTuning(*mesh, tuning, left);
  if (!agreed.ok()) return agreed.status();
  tuning = agreed.value();
  return checkPossible(tuning, host && onOneHost() ? Medium::kMemory : Medium::kLinks);
}

void Session::Engine::start(std::vector<Socket> controlLinks, std::vector<std::string> names) {
  backend = std::make_unique<CpuBackend>(*mesh, onOneHost() ? host.get() : nullptr, tuning, options.timeout);
  if (host && !onOneHost()) {
    twoLevels = std::make_unique<HierarchicalBackend>(*mesh, *host, topology, tuning, options.timeout);
  }
  if (options.rank == 0 && options.size > 1) sayWhatWasChosen();
  CollectiveBackend& moves = twoLevels ? static_cast<CollectiveBackend&>(*twoLevels) : *backend;
  pending.recordIn(&recorder);
  recorder.showOn(&track);
  executor = std::make_unique<Executor>(options.rank, members, moves, pending, recorder, tuning.fusionThresholdBytes,
                                        [this](const Status& status) { return onFailure(status); });
  executor->showOn(&track);
  device =
      std::make_unique<NcclBackend>(moves, GpuChoice{options.cudaDevice, options.ncclLibrary}, names, options.timeout);
  executor->useDevice(device.get());
  executor->onRetuned([this](const Tuning& next) {
    MutexLock lock(retuning);
    backend->retune(next);
    if (twoLevels) twoLevels->retune(next);
  });
  executor->onCarriedOut([this] { control->carriedOut(); });
  if (agreement) {
    pending.announceTo(agreement.get());
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
                         [this] { dump(options.flightRecorderDir, "signal", recorder.records()); },
                         [this](std::chrono::nanoseconds offset) { clockOffset = offset; },
                         [this] { return executor->underWay(); }});
}

void Session::Engine::sayWhatWasChosen() const {
  if (!log.debugs()) return;
  const std::string why = tuning.forced                  ? "as told"
                          : options.tuningSource.empty() ? "by built-in costs"
                                                         : options.tuningSource;
  const std::string ranks = "allreduce of " + std::to_string(options.size) + " ranks ";
  const std::string how = twoLevels ? "through shared memory on each of " + std::to_string(topology.hosts.size()) +
                                          " hosts, over TCP between them: " + twoLevels->describeChoice()
                                    : (host ? "through shared memory: " : "over TCP: ") + backend->describeChoice();
  log.debug(ranks + how + " (" + why + ")");
}

// Control thread.
void Session::Engine::onVerdict(Verdict verdict) {
  auto operation = pending.take(verdict.name);
  // One that was given up for its deadline is not known to all: it does not count.
  if (!operation) return standIn(std::move(verdict));
  if (verdict.status.code() != StatusCode::kTimeout) recorder.agreed(operation->ticket->record);
  if (!verdict.status.ok()) {
    pending.settle(operation->ticket, {verdict.status, {}, {}, nullptr});
    if (Clock::now() - lastDump.load() >= kBetweenDumps) dumpFailure(verdict.status, recorder.records());
    return;
  }
  operation->shapesByRank = std::move(verdict.shapes);
  operation->splitsByRank = std::move(verdict.splits);
  operation->lastRank = verdict.lastRank;
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
  }
  if (interrupt) {
    executor->fail(reason);
    mesh->interrupt();
    if (host) host->interrupt();
    if (device) device->interrupt();
    if (agreement) agreement->interrupt();
  }
  // What was under way shows best before it is failed.
  const auto records = options.flightRecorderDir.empty() ? std::vector<FlightRecord>() : recorder.records();
  const bool missed = !pending.fail(reason).empty();
  if ((interrupt || missed) && !leaving) dumpFailure(reason, records);
}

// Control thread, or the parent's.
void Session::Engine::dumpFailure(const Status& reason, const std::vector<FlightRecord>& records) {
  if (options.flightRecorderDir.empty()) return;
  lastDump = Clock::now();
  dump(options.flightRecorderDir, reason.message(), records);
}

// Control thread, or the parent's.
void Session::Engine::dump(std::string folder, std::string_view reason, const std::vector<FlightRecord>& records) {
  if (options.flightRecorderSize == 0) return;
  if (folder.empty()) folder = (std::filesystem::temp_directory_path() / ("tsring-" + options.jobId)).string();
  FlightOwner owner;
  owner.rank = members.numberOf(options.rank);
  for (int place = 0; place < options.size; ++place) owner.ranks.push_back(members.numberOf(place));
  owner.isSet = !options.members.empty();
  owner.generation = options.generation;
  owner.jobId = options.jobId;
  owner.hostname = options.hostname;
  MutexLock lock(dumping);
  const auto file = writeFlightDump(folder, owner, flightJson(owner, reason, records, clockOffset.load()));
  log.warn(file.ok() ? "the last operations are in " + file.value() + " (tsrun analyze reads them)"
                     : std::string(file.status().message()));
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
