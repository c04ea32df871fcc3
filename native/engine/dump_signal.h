#pragma once

#include <atomic>

namespace tsring {

/// SIGUSR2 asks every session of the process for a dump of its flight recorder. The signal is handled natively, because
/// the JavaScript thread may be inside a call that blocks; the handler does nothing but wake the control threads, and
/// then calls the handler that was there before. Signals belong to the process, so this is one of the few things that
/// do.
class DumpSignal {
 public:
  /// From now on, until destroyed, the signal sets `asked` and writes a byte to `wakeFd`.
  explicit DumpSignal(int wakeFd);
  ~DumpSignal();
  DumpSignal(const DumpSignal&) = delete;
  DumpSignal& operator=(const DumpSignal&) = delete;

  /// Whether there was a signal since the last call.
  bool takeAsked();

 private:
  int place_ = -1;  // -1: more sessions than the process can tell of
};

}  // namespace tsring
