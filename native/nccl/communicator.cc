#include "nccl/communicator.h"

#include <algorithm>
#include <string>

namespace tsring {
namespace {

constexpr std::chrono::hours kWatchIdle{1};       // an idle watch looks around this often, so that every wait ends
constexpr std::chrono::seconds kCallEnds{1};      // a call longer than this is stuck, and is aborted beside itself
constexpr std::chrono::seconds kAbortTime{10};    // for NCCL to let go of the GPU
constexpr std::chrono::seconds kFinalizeTime{5};  // for peers to get what is on its way
constexpr std::chrono::microseconds kLongestLook{1000};

const Status& interruption() {
  static const Status status(StatusCode::kPeerLost, "the GPUs' communicator was interrupted");
  return status;
}

}  // namespace

Status NcclCommunicator::connect(const NcclApi& api, std::shared_ptr<CudaDevice> device, const NcclUniqueId& id,
                                 int size, int rank, Deadline deadline) {
  state_->api = &api;
  state_->device = std::move(device);
  watch_ = std::thread([state = state_] { watch(*state); });
  NcclConfig config;
  return call("ncclCommInitRankConfig", deadline,
              [&](NcclComm*) { return api.CommInitRankConfig(&state_->comm, size, id, rank, &config); });
}

NcclCommunicator::~NcclCommunicator() {
  if (!watch_.joinable()) return;
  State& state = *state_;
  const CudaDevice::Use use(*state.device);
  const auto finalize = [&](NcclComm* comm) { return state.api->CommFinalize(comm); };
  const bool ended = state.comm && call("ncclCommFinalize", Deadline::in(kFinalizeTime), finalize).ok();
  if (!ended) interrupt();
  {
    MutexLock lock(state.mutex);
    state.ending = true;
    state.changed.notifyAll();
    const Deadline patience = Deadline::in(kAbortTime);
    // One that does not let go even now is left to itself: better a leak than a hang.
    if (!ended && !state.changed.waitUntil(state.mutex, patience, [&] { return state.aborted; })) {
      watch_.detach();
      return;
    }
  }
  watch_.join();
  if (ended) state.api->CommDestroy(state.comm);
}

Status NcclCommunicator::call(std::string_view what, Deadline deadline,
                              const std::function<NcclResult(NcclComm*)>& make) {
  State& state = *state_;
  {
    MutexLock lock(state.mutex);
    if (state.interrupted) return interruption();
    state.calling = true;
  }
  const Status status = settle(what, make(state.comm), deadline);
  MutexLock lock(state.mutex);
  state.calling = false;
  state.changed.notifyAll();
  return state.interrupted && !status.ok() ? interruption() : status;
}

// What a non-blocking call has begun is done once the communicator says so.
Status NcclCommunicator::settle(std::string_view what, NcclResult result, Deadline deadline) {
  State& state = *state_;
  std::chrono::microseconds pause{0};
  while (result == kNcclInProgress) {
    if (deadline.passed()) {
      return Status(StatusCode::kTimeout, std::string(what) + ": not done at the deadline; is a rank missing?");
    }
    pause = std::min(pause * 2 + std::chrono::microseconds(20), kLongestLook);
    {
      MutexLock lock(state.mutex);
      const Deadline until(Clock::now() + pause);
      if (state.changed.waitUntil(state.mutex, until, [&] { return state.interrupted; })) return interruption();
    }
    result = asyncError();
  }
  return result == kNcclSuccess ? Status::okay() : failure(what, result);
}

Result<bool> NcclCommunicator::finish(CudaEvent& event, Deadline deadline, const std::function<bool()>& enough) {
  bool leaves = false;
  const Status status = event.wait(deadline, [&](std::chrono::microseconds pause) {
    Status seen = glance(pause);
    leaves = seen.ok() && enough();
    return leaves ? Status(StatusCode::kShutDown, "enough") : seen;
  });
  if (leaves) return false;
  if (status.ok()) {
    // What was aborted looks done to the stream.
    const MutexLock lock(state_->mutex);
    if (state_->interrupted) return interruption();
    return true;
  }
  // A kernel that spins ends only so.
  interrupt();
  const MutexLock lock(state_->mutex);
  state_->changed.waitUntil(state_->mutex, Deadline::in(kAbortTime), [this] { return state_->aborted; });
  return status;
}

Status NcclCommunicator::glance(std::chrono::microseconds pause) {
  State& state = *state_;
  {
    MutexLock lock(state.mutex);
    const Deadline until(Clock::now() + pause);
    if (state.changed.waitUntil(state.mutex, until, [&] { return state.interrupted; })) return interruption();
    state.calling = true;
  }
  const NcclResult result = asyncError();
  MutexLock lock(state.mutex);
  state.calling = false;
  state.changed.notifyAll();
  if (state.interrupted) return interruption();
  return result == kNcclSuccess || result == kNcclInProgress ? Status::okay() : failure("NCCL", result);
}

NcclResult NcclCommunicator::asyncError() {
  NcclResult result = kNcclSuccess;
  const NcclResult asked = state_->api->CommGetAsyncError(state_->comm, &result);
  return asked == kNcclSuccess ? result : asked;
}

Status NcclCommunicator::failure(std::string_view what, NcclResult result) const {
  const char* last = state_->api->GetLastError(nullptr);
  std::string text = std::string(what) + ": " + state_->api->GetErrorString(result);
  if (last && *last) text.append(" (").append(last).append(")");
  return Status(result == kNcclRemoteError ? StatusCode::kPeerLost : StatusCode::kInternal, std::move(text));
}

void NcclCommunicator::interrupt() {
  MutexLock lock(state_->mutex);
  state_->interrupted = true;
  state_->changed.notifyAll();
}

// A call of the other thread normally ends within microseconds, and must not find the communicator gone. One that is
// stuck ends because of the abort, as NCCL provides for it.
void NcclCommunicator::watch(State& state) {
  {
    MutexLock lock(state.mutex);
    const auto wanted = [&] { return state.interrupted || state.ending; };
    while (!state.changed.waitUntil(state.mutex, Deadline::in(kWatchIdle), wanted)) continue;
    if (!state.interrupted) return;
    state.changed.waitUntil(state.mutex, Deadline::in(kCallEnds), [&] { return !state.calling; });
  }
  const CudaDevice::Use use(*state.device);
  if (state.comm) state.api->CommAbort(state.comm);
  MutexLock lock(state.mutex);
  state.aborted = true;
  state.changed.notifyAll();
}

}  // namespace tsring
