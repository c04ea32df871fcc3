#pragma once

#include <chrono>
#include <cstdint>

#include "transport/agreement.h"
#include "transport/shm/host_group.h"

namespace tsring {

/// Agreement through shared memory, for calls that block: where all members of a group come to the gate, they know at
/// once that all are there, without a message. A member that is busy with operations agreed on otherwise does not come;
/// then nobody passes, and all take the other way.
///
/// One word holds the number of the present round, how many members have come, and how past rounds ended. The last to
/// come ends the round as passed; a member that turns busy while others wait ends it as declined. So a round ends in
/// one way for everyone.
///
/// busy(), idle() and leave() are for any thread.
class Gate final : public Agreement {
 public:
  /// The group must outlive this. Members that do not come within `patience` are waited for the other way, where the
  /// coordinator can tell who is missing.
  Gate(HostGroup& group, std::chrono::milliseconds patience) : group_(group), patience_(patience) {}

  size_t payloadBytes() const override { return group_.layout().offerBytes; }
  Result<bool> tryPass(const Offer& own) override;
  Offer offerOf(size_t rank) const override { return group_.readOffer(rank, (passed_ + 1) % 2); }
  void busy() override;
  void idle() override;
  void leave() override { busy(); }
  void interrupt() override { group_.interrupt(); }

 private:
  bool pass(const Offer& own);
  bool anyoneBusy() const;
  void decline(uint32_t round);

  HostGroup& group_;
  const std::chrono::milliseconds patience_;
  uint32_t passed_ = 0;  // rounds that this member passed, the same number on all
};

}  // namespace tsring
