#pragma once

#include <functional>
#include <string>

#include "base/log.h"
#include "base/mutex.h"
#include "collective/device_backend.h"
#include "engine/members.h"
#include "engine/pending_table.h"

namespace tsring {

/// Which way operations on the memory of GPUs go: from there by NCCL or, where that may be and not all ranks can do
/// without, through main memory. All ranks come to the same, as it follows from what they have agreed on. The data
/// thread's, but for `told`.
class DeviceWay {
 public:
  /// `backend` must outlive this.
  DeviceWay(DeviceBackend& backend, Members members, Log log)
      : backend_(backend), members_(std::move(members)), log_(log) {}

  DeviceBackend& backend() const { return backend_; }

  /// An operation's outcome, which counts once the work is done; no work where it is done, or has failed.
  struct Begun {
    Outcome outcome;
    std::unique_ptr<DeviceWork> work;
  };
  /// Begins an operation on GPUs. One that may go by host goes through `byHost` instead, to its end, where a rank has
  /// its tensors in main memory, or GPUs cannot do it; otherwise that fails with kUnsupported. On all ranks alike.
  Begun begin(const Operation& operation, size_t fusionThresholdBytes, const std::function<Outcome()>& byHost);

  /// What an allreduce is done by; empty where it goes through main memory.
  std::string_view wayOf(const Operation& operation) const;

  /// How tensors that may go by host have gone: `cuda`, or `host: ` and why; empty before the first. Any thread.
  std::string told() const;

 private:
  Status whyByHost(const Operation& operation);
  void tell(const Status& whyByHost);
  void tellOfStreams();

  DeviceBackend& backend_;
  const Members members_;
  const Log log_;
  Status refused_;  // the GPUs of some rank, for good
  mutable Mutex mutex_;
  std::string told_ GUARDED_BY(mutex_);
  bool warned_ = false;
  bool toldOfStreams_ = false;
};

}  // namespace tsring
