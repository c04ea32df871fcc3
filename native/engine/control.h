#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "engine/announcer.h"
#include "engine/clock_offset.h"
#include "engine/desync_report.h"
#include "engine/dump_signal.h"
#include "engine/flight_recorder.h"
#include "engine/known_requests.h"
#include "engine/members.h"
#include "engine/messages.h"
#include "engine/negotiator.h"
#include "engine/stall_watch.h"
#include "transport/tcp/frame_hub.h"

namespace tsring {

/// The control thread: agreement on what is done next, signs of life, and the one reason when the ring breaks.
///
/// Rank 0 coordinates. Ranks tell it what is ready (kReady); once all have, it judges and sends the verdict to all, and
/// every rank carries out verdicts in the order in which they come. The thread sleeps until there is something to do:
/// no cycle, no timer but deadlines and heartbeats. It never touches data.
class Control {
 public:
  struct Options {
    int rank;
    int size;
    std::chrono::milliseconds timeout;           // of an operation, from the first rank that asks for it
    std::chrono::milliseconds heartbeatTimeout;  // silence that counts as death
    std::chrono::milliseconds stallCheck;        // an operation that some ranks wait for so long is told of; 0: never
    std::chrono::milliseconds stallShutdown;     // and one that they wait for so long breaks the ring; 0: never
    bool sharesClock;                            // with rank 0
    size_t cacheCapacity;                        // what all have agreed on, and is asked for by a number; rank 0's
    std::vector<std::string> names;              // of all ranks, for messages
    Members members;
    Log log;
  };
  /// How a broken ring treats work that all have agreed on: a rank that left has done its part, a dead one has not.
  enum class Agreed { kFinish, kInterrupt };
  /// All are called on the control thread.
  struct Callbacks {
    std::function<void(Verdict)> onVerdict;
    std::function<void(const Status& reason, Agreed agreed)> onBroken;  // once
    std::function<void()> onDumpAsked;                                  // by a signal
    std::function<void(std::chrono::nanoseconds)> onClock;              // what to add to our clock for rank 0's
    std::function<size_t()> underWay;  // operations that were agreed on and are not carried out here
  };

  /// `recorder` is told nothing and asked what this rank waits for; it must outlive this.
  Control(Options options, std::vector<Socket> links, uint32_t generation, const FlightRecorder& recorder,
          Callbacks callbacks);
  ~Control();

  /// This rank is ready for `request`. Any thread.
  void post(Request request, Terms terms = {});

  /// The data thread met an error: the coordinator is told, and its word is awaited. Any thread.
  void report(Status fault);

  /// An operation that was agreed on has been carried out here: what waited for that may go. Any thread.
  void carriedOut();

  /// Tells all that this rank asks for nothing more and does not do what it asked for under the names `givenUp` (those
  /// that all have agreed on at the end), and ends the thread. The caller's thread; safe to call twice.
  void leave(std::vector<std::string> givenUp, Deadline deadline);

 private:
  struct Leaving {
    std::vector<std::string> givenUp;
    Deadline deadline;
  };
  void run();
  bool handlePosted();
  void onFrame(int peer, uint8_t type, ByteReader payload);
  void onLost(int peer, const Status& reason);
  void onReady(int rank, Request request, uint32_t number = 0);
  bool onKnownReady(int rank, const std::vector<uint32_t>& numbers);
  void onVerdict(Verdict verdict);
  bool onKnownVerdicts(const std::vector<uint32_t>& numbers);
  void announce(Verdict verdict);
  void release();
  void ask(Request request, const Terms& terms);
  void askInFull(const Request& request);
  void sendKnown();
  void onLeft(int peer);
  void onGivenUp(int rank, const std::vector<std::string>& names);
  void broken(Status reason, Agreed agreed);
  void beat();
  void checkSilence();
  void checkOverdue();
  void checkUnheardFault();

  // control_watch.cc: what explains a failure, and finds a stall.
  bool onWatchFrame(int peer, uint8_t type, ByteReader payload);
  void onTerms(int rank, const std::string& name, const Terms& terms);
  void watch();
  void watchShortWay(Clock::time_point now);
  void tellWait(const FlightRecorder::DirectWait* wait, Clock::time_point now);
  void checkTerms();
  void breakWithReport(Status reason);
  void checkReport();
  void askClock();
  Deadline nextWatch() const;

  Deadline nextDeadline() const;
  bool coordinates() const { return options_.rank == 0; }
  const std::string& nameOf(int rank) const { return options_.names[static_cast<size_t>(rank)]; }
  std::string namesOf(const std::vector<int>& ranks) const;

  const Options options_;
  const FlightRecorder& recorder_;
  const Callbacks callbacks_;

  // The control thread's own.
  FrameHub hub_;  // but for wake()
  Negotiator negotiator_;
  Announcer announcer_;                  // rank 0's
  std::atomic<bool> holdsBack_ = false;  // it does; for carriedOut()
  KnownRequests known_;                  // of all others
  std::vector<uint32_t> askedByNumber_;  // to send
  std::vector<bool> left_;
  bool broken_ = false;
  std::optional<Status> ownFault_;  // reported, the coordinator has not answered yet
  Clock::time_point ownFaultAt_;
  Clock::time_point lastBeat_ = Clock::now();

  struct AskedFor {
    Clock::time_point until = Clock::time_point::max();
    std::chrono::milliseconds timeout{0};
    Status objection;
  };
  std::map<std::string, AskedFor> terms_;  // rank 0's, by name
  StallWatch stallWatch_;
  std::optional<DesyncReport> report_;  // rank 0's: the ring breaks once it is complete
  uint64_t toldWait_ = 0;               // the operation that rank 0 knows we wait for
  Clock::time_point lastWatch_ = Clock::now();
  ClockOffset clock_;
  DumpSignal dumpSignal_;

  Mutex mutex_;
  struct Posted {
    Request request;
    Terms terms;
  };
  std::vector<Posted> posted_ GUARDED_BY(mutex_);
  std::optional<Status> reported_ GUARDED_BY(mutex_);
  std::optional<Leaving> leaving_ GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace tsring
