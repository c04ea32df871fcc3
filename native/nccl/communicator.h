#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/deadline.h"
#include "base/mutex.h"
#include "base/status.h"
#include "nccl/cuda_event.h"
#include "nccl/nccl_api.h"

namespace tsring {

/// A NCCL communicator that never hangs. It is non-blocking: a call returns at once, and what it has begun is asked
/// for, with a deadline. Where that is not enough, as a peer is gone and a kernel spins for ever, or a call does not
/// come back, a thread of ours aborts it, which ends both. One thread at a time, but for `interrupt`.
class NcclCommunicator {
 public:
  /// Links up with the others, which do the same with the same id and size. `device` is the current one. Fails with
  /// kTimeout at the deadline, kPeerLost once interrupted, kInternal with NCCL's words.
  Status connect(const NcclApi& api, std::shared_ptr<CudaDevice> device, const NcclUniqueId& id, int size, int rank,
                 Deadline deadline);
  NcclCommunicator() : state_(std::make_shared<State>()) {}
  /// Lets peers get what they are owed, for a bounded time.
  ~NcclCommunicator();
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  /// Makes one call of NCCL and waits until it is queued. `what` is its name, for messages.
  Status call(std::string_view what, Deadline deadline, const std::function<NcclResult(NcclComm*)>& make);

  /// Waits for an event behind what was queued; false where `enough` said so before. A failure, NCCL's own or the
  /// deadline's, aborts.
  Result<bool> finish(CudaEvent& event, Deadline deadline, const std::function<bool()>& enough);

  /// Ends a wait and what is under way. Any thread; returns at once.
  void interrupt();

 private:
  /// Outlives the communicator where an abort does not come back.
  struct State {
    const NcclApi* api = nullptr;
    std::shared_ptr<CudaDevice> device;
    NcclComm* comm = nullptr;  // of the using thread, and of the watching one once it aborts

    Mutex mutex;
    Condition changed;
    bool interrupted GUARDED_BY(mutex) = false;
    bool calling GUARDED_BY(mutex) = false;
    bool aborted GUARDED_BY(mutex) = false;
    bool ending GUARDED_BY(mutex) = false;
  };
  Status settle(std::string_view what, NcclResult result, Deadline deadline);
  Status glance(std::chrono::microseconds pause);
  NcclResult asyncError();
  Status failure(std::string_view what, NcclResult result) const;
  static void watch(State& state);

  const std::shared_ptr<State> state_;
  std::thread watch_;
};

}  // namespace tsring
