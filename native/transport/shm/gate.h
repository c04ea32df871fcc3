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
/// Each member has a word that says to which round it has come; once all have come to a round, all pass it. Who does
/// not want to wait any longer, or turns busy while others wait, declines: writes into the words of all that have not
/// come that this round is over, and who comes afterwards comes to the next. So a round ends in one way for everyone. A
/// word goes to the others together with the offer, in one line of cache: that, from one core to another, is what a
/// round takes.
///
/// busy(), idle() and leave() are for any thread.
class Gate final : public Agreement {
 public:
  /// The group must outlive this. Members that do not come within `patience` are waited for the other way, where the
  /// coordinator can tell who is missing.
  Gate(HostGroup& group, std::chrono::milliseconds patience) : group_(group), patience_(patience) {}

  size_t payloadBytes() const override { return group_.layout().offerBytes; }
  Result<bool> tryPass(const Offer& own) override;
  Offer offerOf(size_t rank) const override { return group_.readOffer(rank, (passed_ + 1) % 2, bytes_); }
  void busy() override;
  void idle() override;
  void leave() override { busy(); }
  void interrupt() override { group_.interrupt(); }

 private:
  struct Round;

  bool pass(const Offer& own);
  uint32_t come();
  bool anyoneBusy() const;
  Round roundOf(size_t member) const;
  void decline(const Round& round);

  HostGroup& group_;
  const std::chrono::milliseconds patience_;
  uint32_t passed_ = 0;   // rounds that this member passed, the same number on all
  uint16_t history_ = 0;  // of the rounds before the present, as in a word
  size_t bytes_ = 0;      // of the present payload: with the same fingerprint, of everyone's
};

}  // namespace tsring
