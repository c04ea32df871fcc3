#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collective/backend.h"
#include "nccl/cuda_device.h"
#include "nccl/nccl_api.h"

namespace tsring {

/// Which GPU this rank uses, by which NCCL, and how.
struct GpuChoice {
  int device = 0;           // its number among those that the process sees; beyond the last they begin again
  std::string ncclLibrary;  // a name or path; empty: libnccl.so.2
  size_t streams = 1;       // that our work goes through
};

/// What all ranks have said of themselves, and what they share from then on.
struct GpuMeeting {
  const NcclApi* nccl = nullptr;
  std::shared_ptr<CudaDevice> device;
  NcclUniqueId id{};
};

/// Opens our GPU and NCCL, and tells the others over `meet`. All ranks call it at the same time. Where one of them
/// cannot take part, or they have different versions of NCCL, all fail with the same kUnsupported, which names it;
/// `names` are those of the ranks, for messages. `getReady` is asked to prepare whatever else is wanted of our GPU, and
/// may refuse. Rank `idMaker` makes the id that we use: the first of those that we link up with. Fails as `meet` does,
/// too.
Result<GpuMeeting> meetGpus(CollectiveBackend& meet, const GpuChoice& choice, const std::vector<std::string>& names,
                            int idMaker, const std::function<Status(const std::shared_ptr<CudaDevice>&)>& getReady);

}  // namespace tsring
