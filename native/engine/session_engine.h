#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "collective/device_backend.h"
#include "engine/control.h"
#include "engine/data_plane.h"
#include "engine/device_way.h"
#include "engine/direct_path.h"
#include "engine/executor.h"
#include "engine/flight_dumper.h"
#include "engine/flight_recorder.h"
#include "engine/members.h"
#include "engine/pending_table.h"
#include "engine/session.h"
#include "transport/tcp/link_up.h"

namespace tsring {

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
        dumper(options, members, recorder, log, clockOffset),
        plane(options, log) {}

  std::string nameOfSet() const;
  void leave();
  Result<Links> link(const std::vector<Peer>& peers, Deadline deadline);
  std::unique_ptr<DeviceBackend> onGpus(const std::vector<std::string>& names) const;
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

  const SessionOptions options;
  const Members members;
  const Log log;
  const std::shared_ptr<Session> parent;  // of a process set
  std::optional<Listener> listener;       // between listen and connect

  Mutex mutex;
  Condition brokenChanged;
  Status broken GUARDED_BY(mutex);
  bool fatally GUARDED_BY(mutex) = false;  // broken in a way that concerns the process sets too
  std::atomic<bool> closed = false;        // set under the mutex
  std::vector<std::weak_ptr<Session>> children GUARDED_BY(mutex);

  const std::unique_ptr<Timeline> timeline;  // the job's; process sets have tracks on it
  TimelineTrack track;
  FlightRecorder recorder;
  bool sharesClock = true;                              // with rank 0
  std::atomic<std::chrono::nanoseconds> clockOffset{};  // to rank 0's clock
  FlightDumper dumper;                                  // the parent's thread may use a process set's
  PendingTable pending;
  DataPlane plane;
  std::unique_ptr<DeviceBackend> device;  // the collectives on GPUs; begins with the first operation there
  std::unique_ptr<DeviceWay> deviceWay;   // over it
  std::unique_ptr<DirectPath> direct;     // where blocking calls agree among themselves
  std::unique_ptr<Executor> executor;     // reports failures to control
  std::unique_ptr<Control> control;       // feeds the executor, so it starts after it
};

}  // namespace tsring
