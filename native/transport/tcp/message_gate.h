#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/home_core.h"
#include "transport/agreement.h"
#include "transport/tcp/gate_link.h"
#include "transport/tcp/gate_plan.h"

namespace tsring {

/// Agreement by messages, for ranks that share no memory, over links of its own: in some rounds (GatePlan) each rank
/// hears from all, and what all contribute travels along.
///
/// A rank comes only when it has nothing under way on the other way. Then all that it has begun there is done, so all
/// others have begun it too, and how many operations each has begun says whether ranks are at the same point of their
/// program, in whatever order they began them; how often ranks have passed tells agreements at one point apart.
///
/// A rank that comes sends an offer in each round: it and those whom it has heard of are here, and mean the operation
/// with this fingerprint. One that hears of a rank that does not come, or means something else, refuses in the rounds
/// that are left. So what a rank has after the last round takes in what each rank contributed, offer or not, and is the
/// same on all: all pass or none.
///
/// A rank that begins an operation the other way sends all others a notice: it will not come to where it was. That
/// keeps nobody waiting for ranks in between. A rank that waits for another does so only while that one, or the one
/// that it waits for in turn, has nothing to wait for.
///
/// busy() never waits, and no thread of ours sends what the sockets do not take at once. So a rank whose notices are
/// not taken in comes no more: it ends its streams, as a rank that leaves does. Whoever waits for a stream that has
/// ended passes no more and ends its own, up to the last.
class MessageGate final : public Agreement {
 public:
  /// More ranks than this agree by the coordinator: a notice to each other rank costs more.
  static constexpr size_t kMostRanks = 16;

  /// `links` by rank, empty at `rank`. A rank that does not come within `timeout` is an error that names it. `plan`: of
  /// one kind on all ranks, and no message of more than kMostTravelBytes. `home`: where the thread that comes goes to,
  /// for the agreement and what follows on it.
  MessageGate(size_t rank, std::vector<Socket> links, std::vector<std::string> names, std::chrono::milliseconds timeout,
              GatePlan plan, HomeCore home = HomeCore());

  size_t payloadBytes() const override { return plan_.payloadBytes; }
  Result<bool> tryPass(const Offer& own) override;
  Offer offerOf(size_t rank) const override;
  std::optional<std::span<const std::byte>> combined() const override;
  void busy() override;
  void idle() override { underWay_.fetch_sub(1); }
  void leave() override;
  void interrupt() override;

 private:
  Result<bool> gather(const Offer& own);
  void refuse(size_t fromRound);
  Result<bool> awaitOffer(const GateRound& round, Deadline deadline);
  void take(const GateRound& round, const CombinePayloads& combine);
  bool heardOf(size_t peer) const;
  Result<bool> awaitSent(Deadline deadline);
  template <typename Settled>
  Result<bool> await(Settled settled, Deadline deadline);
  Result<bool> listen(Deadline until);
  Status takeIn(size_t peer);
  void sayHere();
  void giveUp();
  Status absent() const;

  const size_t rank_;
  const GatePlan plan_;
  HomeCore home_;
  std::vector<GateLink> links_;
  const std::vector<std::string> names_;
  const std::chrono::milliseconds timeout_;
  WakeUp wakeUp_;
  std::atomic<bool> interrupted_ = false;
  Bytes gathered_;                      // contributions, ours first; all of one size; or one, combined
  std::span<const std::byte> has_;      // what is sent: those, or what this rank has brought
  std::optional<size_t> handedDownBy_;  // whose payload is the result, where it came as such
  size_t contributions_ = 0;            // of how many ranks
  size_t contributionBytes_ = 0;
  uint64_t fingerprint_ = 0;  // of our latest offer
  GatePosition position_;
  std::atomic<size_t> underWay_ = 0;  // operations on the other way that are not done
  bool declined_ = false;             // our latest offer did not pass, and its operation has not begun the other way
  bool over_ = false;                 // a stream has ended, ours or another's: nobody will pass any more
  bool saidHere_ = false;             // where we are
  std::vector<pollfd> polled_;
  std::vector<size_t> polledPeers_;  // of polled_, but for the first
};

}  // namespace tsring
