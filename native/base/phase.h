#pragma once

#include <utility>

#include "base/deadline.h"

namespace tsring {

/// Takes what the phases of an operation have taken. Any thread.
class PhaseSink {
 public:
  virtual ~PhaseSink() = default;
  /// `name` lasts for ever. Phases that overlap others of their thread, as data that move beside work do, are `beside`.
  virtual void phase(const char* name, Clock::time_point begin, Clock::time_point end, bool beside) = 0;
};

/// Who is told of the phases on this thread; null, for nobody, unless a PhaseScope says otherwise. Algorithms are many
/// calls deep below those who want to know, and must cost nothing when nobody does: one look at this.
inline thread_local PhaseSink* phaseSink = nullptr;

class PhaseScope {
 public:
  explicit PhaseScope(PhaseSink* sink) : before_(std::exchange(phaseSink, sink)) {}
  ~PhaseScope() { phaseSink = before_; }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  PhaseSink* const before_;
};

/// From here to its end, or the next one's begin.
class Phase {
 public:
  enum class Beside : bool { kNo, kYes };
  explicit Phase(const char* name, Beside beside = Beside::kNo)
      : sink_(phaseSink), name_(name), beside_(beside == Beside::kYes) {
    if (sink_) begin_ = Clock::now();
  }
  Phase(Phase&& other) noexcept
      : sink_(std::exchange(other.sink_, nullptr)), name_(other.name_), begin_(other.begin_), beside_(other.beside_) {}
  ~Phase() { end(); }

  void next(const char* name) {
    if (!sink_) return;
    const auto now = Clock::now();
    sink_->phase(name_, begin_, now, beside_);
    name_ = name;
    begin_ = now;
  }
  void end() {
    if (sink_) std::exchange(sink_, nullptr)->phase(name_, begin_, Clock::now(), beside_);
  }

 private:
  PhaseSink* sink_;
  const char* name_;
  Clock::time_point begin_;
  bool beside_;
};

}  // namespace tsring
