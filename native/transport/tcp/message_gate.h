#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "transport/agreement.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// Agreement by messages, for ranks that share no memory: one way to each other rank and one back, at the same time,
/// over links of its own.
///
/// A rank comes only when it has nothing under way on the other way. Then all that it has begun there is done, so all
/// others have begun it too, and how many operations each has begun says whether ranks are at the same point of their
/// program, in whatever order they began them. A rank that comes sends its offer to all others, with that number; a
/// rank that begins something the other way sends them a notice, with the new number: it does not come to where it was.
/// At each point a rank thus sends an offer or passes by, and everybody sees the same of it: all offers, all pass.
/// A rank that waits for another does so only while that one has nothing to wait for.
///
/// busy() never waits, and no thread of ours sends what the sockets do not take at once. So a rank whose notices are
/// not taken in comes no more: it ends its streams, as a rank that leaves does. The end of a stream says
/// that the rank passes by from there on, the same to all.
///
/// A message is 24 bytes (kind u8: 1 offer, 0 notice; three zero bytes, payload length u32, operations begun u64,
/// fingerprint u64; little-endian) and the payload.
class MessageGate final : public Agreement {
 public:
  /// More ranks than this agree by the coordinator: everyone telling everyone costs more.
  static constexpr size_t kMostRanks = 16;

  /// `links` by rank, empty at `rank`. A rank that does not come within `timeout` is an error that names it.
  MessageGate(size_t rank, std::vector<Socket> links, std::vector<std::string> names,
              std::chrono::milliseconds timeout);

  size_t payloadBytes() const override;
  Result<bool> tryPass(const Offer& own) override;
  Offer offerOf(size_t rank) const override;
  void busy() override;
  void idle() override { underWay_.fetch_sub(1); }
  void leave() override;
  void interrupt() override;

 private:
  struct Link {
    Socket socket;
    Bytes outgoing;
    size_t sent = 0;
    Bytes incoming;      // from the first byte of a message on
    uint64_t begun = 0;  // what the messages before it said
  };

  enum class Found { kMissing, kOffer, kNotice };

  void announce(bool offers);
  void giveUp();
  Result<bool> await();
  Result<Found> look(Link& link);
  Status send(Link& link);
  Status takeIn(Link& link);
  Status dropEarlier(Link& link);
  void dropFirst(Link& link);
  bool has(const Link& link) const;
  Status absent() const;

  const size_t rank_;
  std::vector<Link> links_;
  const std::vector<std::string> names_;
  const std::chrono::milliseconds timeout_;
  WakeUp wakeUp_;
  std::atomic<bool> interrupted_ = false;
  Bytes own_;  // our latest payload
  uint64_t ownFingerprint_ = 0;
  uint64_t begun_ = 0;                // operations of ours on the other way
  std::atomic<size_t> underWay_ = 0;  // those that are not done
  bool passed_ = false;               // the latest offer was passed with
  bool declined_ = false;             // it was not, and its operation has not begun the other way
  bool over_ = false;                 // a stream has ended, ours or another's: nobody will pass any more
  Bytes arrived_;                     // what one read brought
  std::vector<pollfd> polled_;
};

}  // namespace tsring
