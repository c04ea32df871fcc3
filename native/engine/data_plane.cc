#include "engine/data_plane.h"

#include <algorithm>
#include <utility>

#include "collective/network_speed.h"
#include "collective/recursive_doubling.h"
#include "transport/agreement_of_one.h"
#include "transport/checksum_mesh.h"
#include "transport/shm/gate.h"
#include "transport/shm/share_host.h"
#include "transport/tcp/message_gate.h"
#include "transport/tcp/tcp_mesh.h"

namespace tsring {
namespace {

// What the data of all ranks that travel with one agreement have at most, unless messages are slow.
constexpr size_t kUsualTravelBytes = 64 << 10;
// How long a blocking call waits at the gate before it asks the coordinator, who can tell who is missing.
constexpr std::chrono::milliseconds kGatePatience{1000};
constexpr HostLayout kHostLayout{.slotBytes = 512 << 10, .offerBytes = 16 << 10};

std::unique_ptr<Mesh> plainMesh(int rank, std::vector<std::vector<Socket>> links,
                                const std::vector<std::string>& names) {
  std::vector<Socket> single;
  for (auto& link : links) single.push_back(std::move(link.front()));
  return std::make_unique<TcpMesh>(rank, std::move(single), names);
}

std::chrono::milliseconds leftUntil(Deadline deadline) {
  return std::chrono::ceil<std::chrono::milliseconds>(deadline.at() - Clock::now());
}

}  // namespace

DataPlane::DataPlane(const SessionOptions& options, Log log) : options_(options), log_(log), tuning_(options.tuning) {
  tuning_.fusionThresholdBytes = options.fusionThresholdBytes;
  tuning_.sockets = static_cast<uint32_t>(options.sockets);
}

// Where memory is shared, data do not go over sockets.
LinkCounts DataPlane::links() const {
  const auto sockets = static_cast<size_t>(std::max(options_.sockets, options_.mostSockets));
  return {mayShareMemory() ? 1 : sockets, agreesByMessages() ? 1U : 0U};
}

// Calls that block agree by messages where there is no gate in shared memory.
bool DataPlane::agreesByMessages() const {
  return options_.size > 1 && !mayShareMemory() && static_cast<size_t>(options_.size) <= MessageGate::kMostRanks;
}

Status DataPlane::connect(std::vector<std::vector<Socket>> data, std::vector<Socket> agreement,
                          const std::vector<std::string>& names, Deadline deadline) {
  if (links().data > 1) {
    auto striped = std::make_unique<StripedMesh>(options_.rank, std::move(data), names);
    striped_ = striped.get();
    mesh_ = std::move(striped);
  } else {
    mesh_ = plainMesh(options_.rank, std::move(data), names);
  }
  if (options_.size == 1) {
    agreement_ = std::make_unique<AgreementOfOne>();
    makeBackends();
    return Status::okay();
  }
  if (Status s = shareMemory(deadline); !s.ok()) return s;
  if (Status s = agreeOnTuning(deadline); !s.ok()) return s;
  useSockets(tuning_);
  if (Status s = suitPlace(deadline); !s.ok()) return s;
  if (tuning_.checksums) mesh_ = std::make_unique<ChecksumMesh>(std::move(mesh_), names);
  // Small data would travel there without a checksum.
  if (agreesByMessages() && !tuning_.checksums) {
    agreement_ = std::make_unique<MessageGate>(static_cast<size_t>(options_.rank), std::move(agreement), names,
                                               options_.timeout, gatePlan(), HomeCore(shared_.home));
  }
  makeBackends();
  if (options_.rank == 0) sayWhatWasChosen();
  return Status::okay();
}

CollectiveBackend& DataPlane::collectives() const {
  return twoLevels_ ? static_cast<CollectiveBackend&>(*twoLevels_) : *backend_;
}

void DataPlane::retune(const Tuning& tuning) {
  MutexLock lock(retuning_);
  backend_->retune(tuning);
  if (twoLevels_) twoLevels_->retune(tuning);
  if (acrossHosts_) acrossHosts_->retune(tuning);
  useSockets(tuning);
}

std::string_view DataPlane::algorithm(size_t bytes) const {
  if (!backend_ || options_.size == 1) return "none";
  MutexLock lock(retuning_);
  return algorithmName(twoLevels_ ? twoLevels_->algorithm(bytes) : backend_->algorithm(bytes));
}

Result<std::vector<double>> DataPlane::time(Algorithm algorithm, size_t bytes, size_t rounds) {
  if (!backend_ || options_.size == 1) {
    return Status(StatusCode::kInvalidArgument, "there is nothing to time: the ring has one rank, or is not connected");
  }
  return backend_->time(algorithm, bytes, rounds);
}

void DataPlane::interrupt() {
  mesh_->interrupt();
  if (host_) host_->interrupt();
  if (agreement_) agreement_->interrupt();
}

// Ranks of one host share memory, unless they were told not to or one of them cannot; on all hosts or none.
Status DataPlane::shareMemory(Deadline deadline) {
  if (options_.transport == Transport::kTcp) return Status::okay();
  if (!onOneHost() && !topology_.twoLevels()) {
    if (options_.transport == Transport::kShm) {
      return Status(
          StatusCode::kUnsupported,
          "transport shm: wants all ranks on one host, or on several hosts equally many, two or more; use auto "
          "or tcp");
    }
    if (options_.rank == 0 && topology_.hosts.size() < static_cast<size_t>(options_.size)) {
      log_.info("hosts have different numbers of ranks: all data go over TCP, also inside a host");
    }
    return Status::okay();
  }
  auto shared = shareHost(*mesh_, topology_.neighbours(), kHostLayout, deadline);
  Status failure = shared.ok() ? Status::okay() : shared.status();
  if (failure.code() != StatusCode::kOk && failure.code() != StatusCode::kUnsupported &&
      failure.code() != StatusCode::kInternal) {
    return failure.withPrefix("shared memory: ");
  }
  const auto all = everywhere(shared.ok(), deadline);
  if (!all.ok()) return all.status().withPrefix("shared memory: ");
  if (all.value()) {
    host_ = std::move(shared).value();
    if (onOneHost()) agreement_ = std::make_unique<Gate>(*host_, std::min(kGatePatience, options_.timeout / 4));
    return Status::okay();
  }
  if (failure.ok()) failure = Status(StatusCode::kUnsupported, "the ranks of another host cannot share any");
  if (options_.transport == Transport::kShm) return failure.withPrefix("shared memory: ");
  if (options_.rank == 0) {
    log_.warn("no shared memory between the ranks, they talk over TCP: " + std::string(failure.message()));
  }
  return Status::okay();
}

// Whether all ranks say so. On one host they know already.
Result<bool> DataPlane::everywhere(bool here, Deadline deadline) {
  if (onOneHost()) return here;
  RingWorkspace workspace;
  std::byte all{here};
  Status s = recursiveDoublingAllreduce(*mesh_, Team::whole(options_.rank, options_.size), {&all, 1}, DType::kBool,
                                        ReduceOp::kMin, workspace, leftUntil(deadline));
  if (!s.ok()) return s;
  return all == std::byte{1};
}

// Ranks with different tuning must not choose differently: rank 0's counts.
Status DataPlane::agreeOnTuning(Deadline deadline) {
  auto agreed = tsring::agreeOnTuning(*mesh_, tuning_, leftUntil(deadline));
  if (!agreed.ok()) return agreed.status();
  tuning_ = agreed.value();
  return checkPossible(tuning_, host_ && onOneHost() ? Medium::kMemory : Medium::kLinks);
}

void DataPlane::useSockets(const Tuning& tuning) {
  if (striped_) striped_->use(tuning.sockets);
}

// Of costs, what was measured before, or told, counts for more than what ranks find here.
Status DataPlane::suitPlace(Deadline deadline) {
  const bool told = tuning_.forced || tuning_.costs != kBuiltInCosts;
  if (!onOneHost()) return told ? Status::okay() : suitNetwork(deadline);
  if (host_) return suitCores(deadline);
  const auto shared = coresThatRanksShare(*mesh_, leftUntil(deadline));
  if (!shared.ok()) return shared.status().withPrefix("telling each other which processors we have: ");
  shared_ = shared.value();
  if (shared_.count > 0 && !told) tuning_.costs = kBuiltInCostsOfSharedCores;
  return Status::okay();
}

Status DataPlane::suitCores(Deadline deadline) {
  const auto neighbours = neighboursOnACore(*mesh_, leftUntil(deadline));
  if (!neighbours.ok()) return neighbours.status().withPrefix("telling each other which processors we have: ");
  host_->shareCores(neighbours.value());
  return Status::okay();
}

// Networks between hosts differ too much for one table of costs.
Status DataPlane::suitNetwork(Deadline deadline) {
  const Team across = host_ ? topology_.acrossHosts() : Team::whole(options_.rank, options_.size);
  const auto network = measureNetwork(*mesh_, across, leftUntil(deadline));
  if (!network.ok()) return network.status().withPrefix("measuring the network: ");
  tuning_.costs = costsOn(network.value());
  suitsNetwork_ = tuning_.costs != kBuiltInCosts;
  return Status::okay();
}

GatePlan DataPlane::gatePlan() const {
  const auto rank = static_cast<size_t>(options_.rank);
  const auto size = static_cast<size_t>(options_.size);
  if (shared_.count > 0 && !tuning_.forced) return combineByCores(rank, size, shared_.count);
  const uint64_t worth = suitsNetwork_ ? travelBytesWorth(tuning_.costs, size) : 0;
  return gatherEverywhere(rank, size, std::clamp<uint64_t>(worth, kUsualTravelBytes, kMostTravelBytes));
}

void DataPlane::makeBackends() {
  backend_ = std::make_unique<CpuBackend>(*mesh_, onOneHost() ? host_.get() : nullptr, tuning_, options_.timeout);
  if (shared_.home && !tuning_.forced) {
    // Smaller data are combined in the order of the ranks with the agreement, and must be where they do not get there.
    backend_->seat(seatedAcrossCores(Team::whole(options_.rank, options_.size), shared_.count), kMostCombinedBytes);
  }
  if (host_ && !onOneHost()) {
    twoLevels_ = std::make_unique<HierarchicalBackend>(*mesh_, *host_, topology_, tuning_, options_.timeout);
  }
  if (!tuning_.devicesByHost || onOneHost()) return;
  if (topology_.equalHosts()) {
    acrossHosts_ = std::make_unique<CpuBackend>(*mesh_, topology_.acrossHosts(), tuning_, options_.timeout);
  } else if (options_.rank == 0) {
    log_.warn("hosts have different numbers of ranks: despite hierarchicalAllreduce, GPUs use NCCL between hosts too");
  }
}

void DataPlane::sayWhatWasChosen() const {
  if (!log_.debugs()) return;
  const std::string why = tuning_.forced                   ? "as told"
                          : suitsNetwork_                  ? "by the network's costs, measured at the start"
                          : !options_.tuningSource.empty() ? options_.tuningSource
                          : tuning_.costs.sharedCores      ? "by built-in costs of ranks that share cores"
                                                           : "by built-in costs";
  const std::string ranks = "allreduce of " + std::to_string(options_.size) + " ranks ";
  const std::string how = twoLevels_ ? "through shared memory on each of " + std::to_string(topology_.hosts.size()) +
                                           " hosts, over TCP between them: " + twoLevels_->describeChoice()
                                     : (host_ ? "through shared memory: " : "over TCP: ") + backend_->describeChoice();
  log_.debug(ranks + how + " (" + why + ")");
}

}  // namespace tsring
