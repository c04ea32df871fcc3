#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status.h"
#include "collective/cpu_backend.h"
#include "collective/hierarchical.h"
#include "collective/shared_cores.h"
#include "collective/topology.h"
#include "engine/session_options.h"
#include "transport/agreement.h"
#include "transport/mesh.h"
#include "transport/tcp/gate_plan.h"
#include "transport/tcp/link_up.h"
#include "transport/tcp/socket.h"
#include "transport/tcp/striped_mesh.h"

namespace tsring {

/// What moves a ring's data: links between all ranks, shared memory where they have it, and the collectives that go by
/// them; and what calls that block agree by. Chosen alike on all ranks.
class DataPlane {
 public:
  /// The options must outlive this.
  DataPlane(const SessionOptions& options, Log log);

  /// Where the ranks are, before anything else.
  void place(std::span<const std::string> hostIds) { topology_ = Topology::of(hostIds, options_.rank); }
  /// What connect wants of links; a retuning may choose how many of those for data are used.
  LinkCounts links() const;

  /// Takes the links, by rank, and agrees with all others, who call this at the same time, on what to share and how to
  /// choose. `names` of ranks are for messages. Fails with kUnsupported where what was forced is impossible, with the
  /// links' errors, or with kTimeout.
  Status connect(std::vector<std::vector<Socket>> data, std::vector<Socket> agreement,
                 const std::vector<std::string>& names, Deadline deadline);

  /// Once connected: on main memory, for one thread at a time.
  CollectiveBackend& collectives() const;
  /// The same among the ranks of our place on their hosts, for GPUs that use NCCL inside hosts alone; null where they
  /// do not.
  CollectiveBackend* acrossHosts() const { return acrossHosts_.get(); }
  const Topology& topology() const { return topology_; }
  /// Null where blocking calls take the long way: many ranks that share no memory, or links that carry checksums.
  Agreement* agreement() const { return agreement_.get(); }

  /// Rank 0's, at the start.
  const Tuning& tuning() const { return tuning_; }
  /// From now on goes by another tuning, the same on all ranks. The thread of the collectives.
  void retune(const Tuning& tuning);

  std::string_view algorithm(size_t bytes) const;
  Result<std::vector<double>> time(Algorithm algorithm, size_t bytes, size_t rounds);

  /// Ends what waits, now and later. Any thread.
  void interrupt();

 private:
  bool mayShareMemory() const { return options_.transport != Transport::kTcp && onOneHost(); }
  bool agreesByMessages() const;
  bool onOneHost() const { return topology_.hosts.size() == 1; }
  Status shareMemory(Deadline deadline);
  Result<bool> everywhere(bool here, Deadline deadline);
  Status agreeOnTuning(Deadline deadline);
  void useSockets(const Tuning& tuning);
  Status suitPlace(Deadline deadline);
  Status suitCores(Deadline deadline);
  Status suitNetwork(Deadline deadline);
  GatePlan gatePlan() const;
  void makeBackends();
  void sayWhatWasChosen() const;

  const SessionOptions& options_;
  const Log log_;
  Tuning tuning_;
  bool suitsNetwork_ = false;  // its costs were measured at the start
  SharedCores shared_;         // of ranks that talk over TCP
  Topology topology_;
  std::unique_ptr<Mesh> mesh_;
  StripedMesh* striped_ = nullptr;   // in mesh_, where several sockets connect two ranks
  std::unique_ptr<HostGroup> host_;  // where the ranks of each host share memory
  std::unique_ptr<Agreement> agreement_;
  mutable Mutex retuning_;  // the backends' tuning changes, or another thread looks at it
  std::unique_ptr<CpuBackend> backend_;
  std::unique_ptr<HierarchicalBackend> twoLevels_;  // instead of it, where several hosts share memory inside
  std::unique_ptr<CpuBackend> acrossHosts_;
};

}  // namespace tsring
