#include <algorithm>

#include "engine/control.h"

// What the control thread does to explain a failure, and to find a stall: terms of single operations, the stall watch,
// the desync report, the clocks, and dumps that a signal asks for.

namespace tsring {
namespace {

// How long ranks have to say what they are at: less than a rank that reported a fault waits for an answer.
constexpr std::chrono::milliseconds kReportTime{300};
// Exchanges at the start, for the clocks; later ones come with the heartbeats.
constexpr size_t kClockExchanges = 8;
constexpr std::chrono::milliseconds kShortestWatch{10};

int64_t nanoseconds(Clock::time_point at) {
  return std::chrono::nanoseconds(at.time_since_epoch()).count();
}

std::string seconds(std::chrono::milliseconds span) {
  std::string text = std::to_string(span.count() / 1000);
  const auto rest = span.count() % 1000;
  if (rest != 0) text.append(".").append(std::to_string(1000 + rest).substr(1));
  return text.append(" s");
}

}  // namespace

// False when the frame makes no sense here.
bool Control::onWatchFrame(int peer, uint8_t type, ByteReader payload) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kTerms: {
      std::vector<std::string> name;
      Terms terms;
      if (!coordinates() || !decode(payload, name) || name.size() != 1) return false;
      if (!decode(payload, terms) || !payload.done()) return false;
      onTerms(peer, name.front(), terms);
      return true;
    }
    case FrameType::kWaits: {
      std::vector<std::string> wait;  // none, or a name and what it is
      if (!coordinates() || !decode(payload, wait)) return false;
      const auto age = std::chrono::milliseconds(payload.get<uint64_t>() & INT32_MAX);
      if (!payload.done() || (wait.size() != 2 && !wait.empty())) return false;
      if (wait.empty()) {
        stallWatch_.waitsNoMore(peer);
      } else {
        stallWatch_.waits(peer, wait[0], wait[1], Clock::now() - age);
      }
      return true;
    }
    case FrameType::kAskState: {
      if (coordinates()) return false;
      ByteWriter out;
      encode(std::vector{recorder_.describeWaiting()}, out);
      hub_.send(0, static_cast<uint8_t>(FrameType::kTellState), out.bytes());
      return true;
    }
    case FrameType::kTellState: {
      std::vector<std::string> state;
      if (!coordinates() || !decode(payload, state) || state.size() != 1 || !payload.done()) return false;
      if (report_) report_->answer(static_cast<size_t>(peer), std::move(state.front()));
      return true;
    }
    case FrameType::kAskClock: {
      const auto asked = payload.get<int64_t>();
      if (!coordinates() || !payload.done()) return false;
      ByteWriter out;
      out.put(asked).put(nanoseconds(Clock::now()));
      hub_.send(peer, static_cast<uint8_t>(FrameType::kTellClock), out.bytes());
      return true;
    }
    case FrameType::kTellClock: {
      const auto asked = Clock::time_point(std::chrono::nanoseconds(payload.get<int64_t>()));
      const auto theirs = std::chrono::nanoseconds(payload.get<int64_t>());
      if (coordinates() || !payload.done()) return false;
      clock_.add(asked, theirs, Clock::now());
      callbacks_.onClock(clock_.value());
      if (clock_.count() < kClockExchanges) askClock();
      return true;
    }
    default:
      return false;
  }
}

// The first objection stands, and the earliest deadline.
void Control::onTerms(int rank, const std::string& name, const Terms& terms) {
  AskedFor& asked = terms_[name];
  if (asked.objection.ok() && !terms.objection.ok()) {
    asked.objection = terms.objection.withPrefix(nameOf(rank) + ": ");
  }
  if (terms.timeout.count() == 0) return;
  const auto until = Clock::now() + terms.timeout;
  if (until >= asked.until) return;
  asked.until = until;
  asked.timeout = terms.timeout;
}

void Control::watch() {
  if (dumpSignal_.takeAsked()) callbacks_.onDumpAsked();
  if (broken_) return;
  checkTerms();
  checkReport();
  const auto now = Clock::now();
  if (now < nextWatch().at()) return;
  lastWatch_ = now;
  watchShortWay(now);
  if (!coordinates() || broken_ || report_) return;
  const auto incomplete = negotiator_.incomplete();
  const auto stalled = stallWatch_.newlyStalled(incomplete, now);
  if (!stalled.empty()) {
    options_.log.warn("stalled for " + seconds(options_.stallCheck) + ": " + describe(stalled, options_.names));
  }
  if (options_.stallShutdown.count() == 0 || incomplete.empty()) return;
  if (now - incomplete.front().begun < options_.stallShutdown) return;
  breakWithReport(Status(StatusCode::kTimeout,
                         "stalled for " + seconds(options_.stallShutdown) +
                             " (TSRING_STALL_SHUTDOWN_TIME_SECONDS): " + describe(incomplete, options_.names)));
}

// A call that waits on the short way is known to nobody but us: rank 0 is told in time for its line.
void Control::watchShortWay(Clock::time_point now) {
  const auto wait = recorder_.directWait();
  const auto age = wait ? now - wait->since : Clock::duration::zero();
  if (toldWait_ != 0 && (!wait || wait->sequence != toldWait_)) tellWait(nullptr, now);
  if (!wait) return;
  if (toldWait_ == 0 && options_.stallCheck.count() > 0 && age >= options_.stallCheck / 2) tellWait(&*wait, now);
  if (options_.stallShutdown.count() == 0 || age < options_.stallShutdown || ownFault_ || report_) return;
  Status stalled(StatusCode::kTimeout, wait->what + " has stalled for " + seconds(options_.stallShutdown) +
                                           " (TSRING_STALL_SHUTDOWN_TIME_SECONDS)");
  report(stalled.withPrefix(nameOf(options_.rank) + ": "));
}

void Control::tellWait(const FlightRecorder::DirectWait* wait, Clock::time_point now) {
  toldWait_ = wait ? wait->sequence : 0;
  if (coordinates())
    return wait ? stallWatch_.waits(0, wait->name, wait->what, wait->since) : stallWatch_.waitsNoMore(0);
  ByteWriter out;
  encode(wait ? std::vector{wait->name, wait->what} : std::vector<std::string>(), out);
  const auto age = wait ? std::chrono::duration_cast<std::chrono::milliseconds>(now - wait->since).count() : 0;
  out.put(static_cast<uint64_t>(age));
  hub_.send(0, static_cast<uint8_t>(FrameType::kWaits), out.bytes());
}

// An operation with a deadline of its own fails alone; the ring goes on.
void Control::checkTerms() {
  const auto now = Clock::now();
  for (auto it = terms_.begin(); it != terms_.end();) {
    if (it->second.until > now) {
      ++it;
      continue;
    }
    const auto expired = terms_.extract(it++);
    if (!negotiator_.holds(expired.key())) continue;
    const Incomplete given = negotiator_.giveUp(expired.key());
    const std::string within = std::to_string(expired.mapped().timeout.count());
    announce({expired.key(),
              Status(StatusCode::kTimeout, given.what + ": " + namesOf(given.missing) + " did not call it within " +
                                               within + " ms, " + namesOf(given.waiting) + " did"),
              {}});
  }
}

// An error that everyone shall hear. Where it is that something came too late, what all ranks are at is asked first.
void Control::breakWithReport(Status reason) {
  if (broken_ || report_) return;
  if (reason.code() != StatusCode::kTimeout || options_.size == 1) return broken(std::move(reason), Agreed::kInterrupt);
  report_.emplace(std::move(reason), static_cast<size_t>(options_.size), Deadline::in(kReportTime));
  report_->answer(0, recorder_.describeWaiting());
  hub_.sendToAll(static_cast<uint8_t>(FrameType::kAskState), {});
  checkReport();
}

void Control::checkReport() {
  if (report_ && (report_->complete() || report_->deadline().passed())) {
    broken(report_->finish(options_.names), Agreed::kInterrupt);
  }
}

void Control::askClock() {
  ByteWriter out;
  out.put(nanoseconds(Clock::now()));
  hub_.send(0, static_cast<uint8_t>(FrameType::kAskClock), out.bytes());
}

Deadline Control::nextWatch() const {
  auto next = Clock::time_point::max();
  for (const auto& [name, asked] : terms_) next = std::min(next, asked.until);
  if (report_) next = std::min(next, report_->deadline().at());
  for (const auto span : {options_.stallCheck, options_.stallShutdown}) {
    if (span.count() > 0) next = std::min(next, lastWatch_ + std::max(span / 4, kShortestWatch));
  }
  return Deadline(next);
}

}  // namespace tsring
