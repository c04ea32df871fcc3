#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/phase.h"
#include "base/status.h"
#include "base/unique_fd.h"

namespace tsring {

/// Writes what a rank does, as it does it, to a file in the trace event format of Chrome, which Perfetto opens: one
/// event a line, so that the file of a rank that was killed can be read too. Any thread; events are put down under a
/// short lock and formatted by a thread of its own, which there is while the timeline is on.
class Timeline {
 public:
  /// Where on a track an event belongs.
  enum class Lane : uint8_t { kCalls = 1, kData = 2, kBeside = 3 };
  struct Event {
    const char* name;
    std::string tensor;  // `allreduce "x"`; empty for phases
    Clock::time_point begin, end;
    Lane lane = Lane::kData;
    uint64_t id = 0;  // 0: a part of what its thread does; else of several that overlap
    uint64_t bytes = 0;
    std::string_view algorithm;  // of static storage
    uint32_t track = 0;
  };

  Timeline(int rank, std::string hostname) : rank_(rank), hostname_(std::move(hostname)) {}
  ~Timeline() { stop(); }

  /// A number for one ring's part of the picture, in which things go on beside those of other rings: 0 for the job's,
  /// which has no name, then one for each process set.
  uint32_t addTrack(std::string name);

  /// Whether events are wanted: one relaxed load.
  bool on() const { return on_.load(std::memory_order_relaxed); }

  /// Begins a file; `clockOffset` gives what to add to our clock for rank 0's. Fails with kInvalidArgument when it is
  /// on already, or when the file cannot be written.
  Status start(const std::string& file, std::function<std::chrono::nanoseconds()> clockOffset);
  /// Ends it; what was put down is in the file. Nothing happens when it is off.
  void stop();

  void add(Event event);

 private:
  void run();
  std::string head() const;
  std::string headOf(uint32_t track, const std::string& name) const;
  void format(const Event& event, std::chrono::nanoseconds offset, std::string& out) const;
  void write(const std::string& text);

  const int rank_;
  const std::string hostname_;
  std::atomic<bool> on_ = false;
  std::function<std::chrono::nanoseconds()> clockOffset_;
  UniqueFd file_;

  Mutex starting_;  // start() and stop()
  Mutex mutex_;
  Condition changed_;
  std::vector<Event> events_ GUARDED_BY(mutex_);
  std::vector<std::string> tracks_ GUARDED_BY(mutex_);
  size_t told_ GUARDED_BY(mutex_) = 0;  // tracks that are in the file
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

/// One ring's part of a timeline. Any thread.
class TimelineTrack final : public PhaseSink {
 public:
  /// `timeline` must outlive this.
  TimelineTrack(Timeline& timeline, std::string name)
      : timeline_(timeline), track_(timeline.addTrack(std::move(name))) {}

  bool on() const { return timeline_.on(); }
  void add(Timeline::Event event) {
    event.track = track_;
    timeline_.add(std::move(event));
  }
  void phase(const char* name, Clock::time_point begin, Clock::time_point end, bool beside) override {
    add({name, {}, begin, end, beside ? Timeline::Lane::kBeside : Timeline::Lane::kData, 0, 0, {}});
  }

 private:
  Timeline& timeline_;
  const uint32_t track_;
};

}  // namespace tsring
