#include "engine/device_way.h"

#include "engine/device_operation.h"

namespace tsring {

DeviceWay::Begun DeviceWay::begin(const Operation& operation, size_t fusionThresholdBytes,
                                  const std::function<Outcome()>& byHost) {
  const bool mayGoByHost = operation.request.header.mayGoByHost();
  Begun begun;
  begun.outcome.shapes = operation.request.shapes;
  begun.outcome.status = mayGoByHost ? whyByHost(operation) : Status::okay();
  if (begun.outcome.status.ok()) {
    auto work = deviceOperation(backend_, members_, fusionThresholdBytes, operation, begun.outcome);
    begun.outcome.status = work.status();
    if (work.ok()) begun.work = std::move(work).value();
  }
  if (begun.work) tellOfStreams();
  const bool unsupported = begun.outcome.status.code() == StatusCode::kUnsupported;
  if (mayGoByHost && (begun.work || unsupported)) tell(begun.outcome.status);
  return mayGoByHost && unsupported ? Begun{byHost(), nullptr} : std::move(begun);
}

std::string_view DeviceWay::wayOf(const Operation& operation) const {
  const bool byHost = operation.request.header.mayGoByHost() && (operation.hostRank >= 0 || !refused_.ok());
  return byHost ? std::string_view() : backend_.allreduceWay(0);
}

std::string DeviceWay::told() const {
  const MutexLock lock(mutex_);
  return told_;
}

/// kUnsupported and the reason; a rank that had GPUs once has them for as long as the ring lasts.
Status DeviceWay::whyByHost(const Operation& operation) {
  if (operation.hostRank >= 0) {
    return Status(StatusCode::kUnsupported,
                  "rank " + std::to_string(members_.numberOf(operation.hostRank)) + " has its tensors in main memory");
  }
  if (!refused_.ok()) return refused_;
  Status prepared = backend_.prepare();
  if (prepared.code() == StatusCode::kUnsupported) refused_ = prepared;
  return prepared;
}

/// For the log, once.
void DeviceWay::tellOfStreams() {
  if (std::exchange(toldOfStreams_, true)) return;
  const size_t streams = backend_.streams();
  log_.debug("operations on the GPU go through " + std::to_string(streams) + (streams == 1 ? " stream" : " streams"));
}

/// For the log, each way once; a warning where it is the longer one.
void DeviceWay::tell(const Status& whyByHost) {
  const std::string now = whyByHost.ok() ? "cuda" : "host: " + std::string(whyByHost.message());
  {
    const MutexLock lock(mutex_);
    if (told_ == now) return;
    told_ = now;
  }
  if (whyByHost.ok()) return log_.info("tensors on the GPU go by NCCL from where they are");
  if (std::exchange(warned_, true)) return;
  log_.warn("tensors on the GPU go to the other ranks through main memory: " + std::string(whyByHost.message()));
}

}  // namespace tsring
