#include "engine/device_way.h"

#include "engine/device_operation.h"

namespace tsring {

Outcome DeviceWay::carryOut(const Operation& operation, size_t fusionThresholdBytes,
                            const std::function<Outcome()>& byHost) {
  const bool mayGoByHost = operation.request.header.mayGoByHost();
  Outcome outcome;
  outcome.shapes = operation.request.shapes;
  outcome.status = mayGoByHost ? whyByHost(operation) : Status::okay();
  if (outcome.status.ok()) {
    outcome.status = deviceOperation(backend_, members_, fusionThresholdBytes, operation, outcome);
  }
  const bool unsupported = outcome.status.code() == StatusCode::kUnsupported;
  if (mayGoByHost && (outcome.status.ok() || unsupported)) tell(outcome.status);
  return mayGoByHost && unsupported ? byHost() : outcome;
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
