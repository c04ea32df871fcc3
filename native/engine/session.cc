#include "engine/session.h"

#include <thread>
#include <utility>

#include "engine/check_request.h"
#include "engine/finite_check.h"
#include "engine/session_engine.h"

namespace tsring {
namespace {

// A join takes as long as the others have work to do; the coordinator ends it if they do not get on.
constexpr std::chrono::hours kUntilAllJoin{24 * 365};

std::string nameOf(int rank, const std::string& hostname) {
  return "rank " + std::to_string(rank) + " on " + hostname;
}

}  // namespace

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
  engine_->plane.place(hostIds);
  engine_->sharesClock = !hostIds.front().empty() && hostIds.front() == hostIds[static_cast<size_t>(options.rank)];
  if (!options.timelineFile.empty()) {
    if (Status s = startTimeline(options.timelineFile); !s.ok()) return s;
  }
  auto linked = engine_->link(links, deadline);
  if (!linked.ok()) return linked.status();
  auto [control, data, agreement] = std::move(linked).value();
  if (Status s = engine_->plane.connect(std::move(data), std::move(agreement), names, deadline); !s.ok()) return s;
  engine_->start(std::move(control), std::move(names));
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

Outcome Session::run(RequestHeader header, std::vector<Shape> shapes, std::vector<TensorBuffer> tensors) {
  if (Status s = checkOpen(header, shapes, tensors); !s.ok()) return {s, {}, {}, nullptr};
  if (engine_->pending.joining()) return {joinedAlready(header), {}, {}, nullptr};
  const bool joins = header.kind == OperationKind::kJoin;
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
  const Deadline deadline = joins ? Deadline::in(kUntilAllJoin) : waitDeadline();
  Outcome outcome = submitted.ok() ? ticket->wait(deadline) : Outcome{submitted, {}, {}, nullptr};
  TicketTable::process().close(ticket->id);
  return outcome;
}

std::string_view Session::algorithm(size_t bytes) const {
  return engine_->plane.algorithm(bytes);
}

std::string Session::deviceWay() const {
  return engine_->deviceWay ? engine_->deviceWay->told() : std::string();
}

Result<std::vector<double>> Session::time(Algorithm algorithm, size_t bytes, size_t rounds) {
  auto took = engine_->plane.time(algorithm, bytes, rounds);
  if (!took.ok() && took.status().code() != StatusCode::kInvalidArgument) return engine_->onFailure(took.status());
  return took;
}

size_t Session::connectedSockets() const {
  return engine_->plane.links().data;
}

void Session::trimMemory() {
  if (engine_->executor) engine_->executor->trimMemory();
}

Status Session::retune(const Trial& trial) {
  const Bytes record = tuningRecord(tried(engine_->plane.tuning(), trial));
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
  if (engine_->closed.load()) return Status(StatusCode::kShutDown, describe(header) + ": the ring was shut down");
  return checkRequest(header, shapes, tensors, engine_->members);
}

void Session::close() {
  Engine& engine = *engine_;
  {
    MutexLock lock(engine.mutex);
    if (engine.closed.exchange(true)) return;
  }
  // All at the same time: each waits a while for its peers to leave too.
  std::vector<std::thread> closing;
  for (const auto& set : engine.sets()) closing.emplace_back([set] { set->close(); });
  engine.leave();
  for (std::thread& thread : closing) thread.join();
}

}  // namespace tsring
