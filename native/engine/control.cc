#include "engine/control.h"

#include <algorithm>

namespace tsring {
namespace {

// How long the coordinator has to say what it makes of a fault that we reported.
constexpr std::chrono::milliseconds kAnswerTime{500};
// Operations that one message tells of.
constexpr size_t kMostReported = 5;

/// As many of `names` as a frame holds: the last ones, those that all have agreed on among them.
std::vector<std::string> fitting(std::vector<std::string> names) {
  size_t bytes = sizeof(uint32_t);
  auto first = names.end();
  while (first != names.begin()) {
    bytes += sizeof(uint32_t) + std::prev(first)->size();
    if (bytes > FrameHub::kMaxPayloadBytes) break;
    --first;
  }
  names.erase(names.begin(), first);
  return names;
}

}  // namespace

Control::Control(Options options, std::vector<Socket> links, uint32_t generation, const FlightRecorder& recorder,
                 Callbacks callbacks)
    : options_(std::move(options)),
      recorder_(recorder),
      callbacks_(std::move(callbacks)),
      hub_(std::move(links), generation,
           {[this](int peer, uint8_t type, ByteReader payload) { onFrame(peer, type, payload); },
            [this](int peer, const Status& reason) { onLost(peer, reason); }}),
      negotiator_(options_.members),
      announcer_(options_.size > 1 ? options_.cacheCapacity : 0, FrameHub::kMaxPayloadBytes,
                 {[this](FrameType type, const Bytes& payload) { hub_.sendToAll(static_cast<uint8_t>(type), payload); },
                  callbacks_.onVerdict, [this](const std::string& name) { return negotiator_.holds(name); },
                  callbacks_.underWay}),
      left_(static_cast<size_t>(options_.size)),
      stallWatch_(options_.size, options_.stallCheck),
      dumpSignal_(hub_.wakeFd()),
      thread_([this] { run(); }) {}

Control::~Control() {
  leave({}, Deadline(Clock::now()));
}

void Control::post(Request request, Terms terms) {
  {
    MutexLock lock(mutex_);
    posted_.push_back({std::move(request), std::move(terms)});
  }
  hub_.wake();
}

void Control::report(Status fault) {
  {
    MutexLock lock(mutex_);
    if (!reported_) reported_ = std::move(fault);
  }
  hub_.wake();
}

void Control::carriedOut() {
  if (holdsBack_) hub_.wake();
}

void Control::leave(std::vector<std::string> givenUp, Deadline deadline) {
  {
    MutexLock lock(mutex_);
    leaving_ = Leaving{std::move(givenUp), deadline};
  }
  hub_.wake();
  if (thread_.joinable()) thread_.join();
}

void Control::run() {
  if (!coordinates() && !options_.sharesClock) askClock();
  while (handlePosted()) {
    release();
    hub_.poll(nextDeadline());
    release();
    beat();
    checkSilence();
    checkOverdue();
    checkUnheardFault();
    watch();
  }
}

// What other threads asked for since last time. False once it is time to go.
bool Control::handlePosted() {
  std::vector<Posted> posted;
  std::optional<Status> reported;
  std::optional<Leaving> leaving;
  {
    MutexLock lock(mutex_);
    posted.swap(posted_);
    reported.swap(reported_);
    leaving.swap(leaving_);
  }
  for (auto& [request, terms] : posted) {
    if (coordinates()) {
      if (!terms.usual()) onTerms(0, request.header.name, terms);
      const uint32_t number = announcer_.cache().numberOf(0, request);
      onReady(0, std::move(request), number);
    } else if (left_[0]) {
      onLeft(0);
    } else {
      ask(std::move(request), terms);
    }
  }
  sendKnown();
  if (reported && !broken_) {
    if (coordinates()) {
      breakWithReport(*std::move(reported));
    } else {
      ByteWriter out;
      encode(*reported, out);
      hub_.send(0, static_cast<uint8_t>(FrameType::kFault), out.bytes());
      ownFault_ = std::move(reported);
      ownFaultAt_ = Clock::now();
    }
  }
  if (leaving) {
    announcer_.releaseAll();
    if (coordinates()) onGivenUp(0, leaving->givenUp);
    ByteWriter out;
    encode(fitting(std::move(leaving->givenUp)), out);
    hub_.sendToAll(static_cast<uint8_t>(FrameType::kLeave), out.bytes());
    broken_ = true;  // for us the ring is over: peers that end their streams now are not lost
    hub_.finish(leaving->deadline);
  }
  return !leaving;
}

void Control::ask(Request request, const Terms& terms) {
  if (!terms.usual()) {
    ByteWriter out;
    encode(std::vector{request.header.name}, out);
    encode(terms, out);
    hub_.send(0, static_cast<uint8_t>(FrameType::kTerms), out.bytes());
  }
  if (const uint32_t number = known_.numberOf(request)) {
    askedByNumber_.push_back(number);
  } else {
    askInFull(request);
  }
  known_.asked(std::move(request));
}

void Control::askInFull(const Request& request) {
  sendKnown();  // in the order in which they were asked for
  ByteWriter out;
  encode(request, out);
  hub_.send(0, static_cast<uint8_t>(FrameType::kReady), out.bytes());
}

void Control::sendKnown() {
  if (askedByNumber_.empty()) return;
  ByteWriter out;
  encode(std::exchange(askedByNumber_, {}), out);
  hub_.send(0, static_cast<uint8_t>(FrameType::kKnownReady), out.bytes());
}

void Control::onFrame(int peer, uint8_t type, ByteReader payload) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kReady:
      if (Request request; coordinates() && decode(payload, request) && payload.done())
        return onReady(peer, std::move(request));
      break;
    case FrameType::kVerdict:
      if (Verdict verdict; !coordinates() && decode(payload, verdict) && verdict.hostRank < options_.size)
        return onVerdict(std::move(verdict));
      break;
    case FrameType::kKnownReady:
      if (std::vector<uint32_t> numbers; coordinates() && decode(payload, numbers) && onKnownReady(peer, numbers))
        return;
      break;
    case FrameType::kKnownVerdicts:
      if (std::vector<uint32_t> numbers; !coordinates() && decode(payload, numbers) && onKnownVerdicts(numbers)) return;
      break;
    case FrameType::kFault:
      if (Status fault; coordinates() && decode(payload, fault) && !fault.ok()) return breakWithReport(fault);
      break;
    case FrameType::kAbort:
      if (Status reason; !coordinates() && decode(payload, reason) && !reason.ok()) {
        return broken(reason, payload.get<uint8_t>() ? Agreed::kInterrupt : Agreed::kFinish);
      }
      break;
    case FrameType::kHeartbeat:
      return;
    case FrameType::kLeave:
      if (std::vector<std::string> givenUp; decode(payload, givenUp) && payload.done()) {
        left_[static_cast<size_t>(peer)] = true;
        if (coordinates()) onGivenUp(peer, givenUp);
        return onLeft(peer);
      }
      break;
    default:
      if (onWatchFrame(peer, type, payload)) return;
  }
  broken(Status(StatusCode::kInternal,
                nameOf(peer) + " sent a control frame that makes no sense; is it the same tsring version?"),
         Agreed::kInterrupt);
}

void Control::onLost(int peer, const Status& reason) {
  if (left_[static_cast<size_t>(peer)]) return;
  broken(Status(StatusCode::kPeerLost, nameOf(peer) + " was lost: " + std::string(reason.message())),
         Agreed::kInterrupt);
}

// False when the rank was never told of such a number.
bool Control::onKnownReady(int rank, const std::vector<uint32_t>& numbers) {
  for (const uint32_t number : numbers) {
    if (!announcer_.cache().issued(number)) return false;
    // Of what has just been forgotten the rank hears now, and then asks in full.
    if (const Request* request = announcer_.cache().requestOf(rank, number)) onReady(rank, *request, number);
  }
  return true;
}

void Control::onVerdict(Verdict verdict) {
  if (const auto crossed = known_.heard(verdict)) askInFull(*crossed);
  callbacks_.onVerdict(std::move(verdict));
}

// False when one of them stands for nothing.
bool Control::onKnownVerdicts(const std::vector<uint32_t>& numbers) {
  for (const uint32_t number : numbers) {
    auto verdict = known_.heard(number);
    if (!verdict) return false;
    callbacks_.onVerdict(*std::move(verdict));
  }
  return true;
}

void Control::onReady(int rank, Request request, uint32_t number) {
  if (broken_) return;
  if (request.header.kind == OperationKind::kJoin) {
    for (Verdict& verdict : negotiator_.join(rank, std::move(request), Clock::now())) announce(std::move(verdict));
  } else if (auto verdict = negotiator_.add(rank, std::move(request), Clock::now(), number)) {
    announce(*std::move(verdict));
  }
  for (int other = 0; other < options_.size; ++other) {
    if (left_[static_cast<size_t>(other)]) onLeft(other);
  }
}

void Control::announce(Verdict verdict) {
  if (const auto terms = terms_.extract(verdict.name); terms && !terms.mapped().objection.ok()) {
    verdict = Verdict{verdict.name, terms.mapped().objection, {}};
  }
  announcer_.add(std::move(verdict));
}

// What is carried out while we look is either seen here or wakes us.
void Control::release() {
  if (!announcer_.waits()) return;
  holdsBack_ = true;
  announcer_.release();
  holdsBack_ = announcer_.waits();
}

// A rank that left keeps nobody waiting: what still needs it fails now. A worker only knows of rank 0, without which
// nothing is agreed.
void Control::onLeft(int peer) {
  const std::string gone = nameOf(peer) + " has left the ring";
  if (!coordinates()) return broken(Status(StatusCode::kPeerLost, gone), Agreed::kFinish);
  if (const auto blocked = negotiator_.blockedBy(peer)) {
    broken(Status(StatusCode::kPeerLost, gone + " without " + *blocked), Agreed::kFinish);
  }
}

// The coordinator's. What a rank gave up is never done. Where all had agreed on it, the others wait for bytes by now.
void Control::onGivenUp(int rank, const std::vector<std::string>& names) {
  if (names.empty()) return;
  const bool begun = std::ranges::any_of(names, [this](const auto& name) { return !negotiator_.holds(name); });
  broken(Status(StatusCode::kPeerLost, nameOf(rank) + " has left the ring without finishing \"" + names.front() + '"'),
         begun ? Agreed::kInterrupt : Agreed::kFinish);
}

void Control::broken(Status reason, Agreed agreed) {
  if (broken_) return;
  announcer_.releaseAll();  // what was agreed on before
  broken_ = true;
  if (coordinates()) {
    ByteWriter out;
    encode(reason, out);
    out.put(static_cast<uint8_t>(agreed == Agreed::kInterrupt));
    hub_.sendToAll(static_cast<uint8_t>(FrameType::kAbort), out.bytes());
  }
  options_.log.debug("the ring is broken: " + std::string(reason.message()));
  callbacks_.onBroken(reason, agreed);
}

void Control::beat() {
  if (Clock::now() - lastBeat_ < options_.heartbeatTimeout / 4) return;
  lastBeat_ = Clock::now();
  if (!coordinates() && !options_.sharesClock) askClock();
  hub_.sendToAll(static_cast<uint8_t>(FrameType::kHeartbeat), {});
}

void Control::checkSilence() {
  if (broken_) return;
  for (int peer = 0; peer < options_.size; ++peer) {
    if (!hub_.linked(peer) || Clock::now() - hub_.lastHeard(peer) < options_.heartbeatTimeout) continue;
    const auto ms = std::to_string(options_.heartbeatTimeout.count());
    return broken(
        Status(StatusCode::kPeerLost, nameOf(peer) + " has been silent for " + ms + " ms: stopped, or cut off"),
        Agreed::kInterrupt);
  }
}

void Control::checkOverdue() {
  if (broken_ || report_ || negotiator_.empty() || Clock::now() - negotiator_.oldest() < options_.timeout) return;
  const auto incomplete = negotiator_.incomplete();
  const std::string within = " did not call it within " + std::to_string(options_.timeout.count()) + " ms, ";
  std::string text;
  for (size_t i = 0; i < std::min(incomplete.size(), kMostReported); ++i) {
    const Incomplete& each = incomplete[i];
    text.append(i ? "; " : "").append(each.what).append(": ").append(namesOf(each.missing));
    text.append(i ? " did not call it, " : within).append(namesOf(each.waiting)).append(" did");
  }
  if (incomplete.size() > kMostReported)
    text.append("; and " + std::to_string(incomplete.size() - kMostReported) + " more");
  breakWithReport(Status(StatusCode::kTimeout, text));
}

void Control::checkUnheardFault() {
  if (ownFault_ && !broken_ && Clock::now() - ownFaultAt_ >= kAnswerTime) broken(*ownFault_, Agreed::kInterrupt);
}

Deadline Control::nextDeadline() const {
  auto next = lastBeat_ + options_.heartbeatTimeout / 4;
  if (!broken_) next = std::min(next, nextWatch().at());
  if (!negotiator_.empty() && !broken_ && !report_) next = std::min(next, negotiator_.oldest() + options_.timeout);
  if (ownFault_ && !broken_) next = std::min(next, ownFaultAt_ + kAnswerTime);
  return Deadline(next);
}

std::string Control::namesOf(const std::vector<int>& ranks) const {
  std::string names;
  for (const int rank : ranks) names.append(names.empty() ? "" : ", ").append(nameOf(rank));
  return names;
}

}  // namespace tsring
