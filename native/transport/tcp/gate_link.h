#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/status.h"
#include "transport/tcp/socket.h"

namespace tsring {

/// What ranks tell each other to agree. The numbers are the wire's: never reorder.
enum class GateWord : uint8_t {
  kNotice = 0,   // one more operation has begun on the other way: the sender is not where it was
  kOffer = 1,    // the sender, and those whose contributions come along, are here and mean the operation
  kRefusal = 2,  // nobody will pass here
  kHere = 3,     // the sender is here and waits: said where a wait gets long
};

/// Where a rank is in its program, as far as others can tell: both only grow.
struct GatePosition {
  uint64_t begun = 0;   // operations that it has begun on the other way
  uint64_t passes = 0;  // agreements that it has passed with
  bool operator==(const GatePosition&) const = default;
};

struct GateMessage {
  GateWord word;
  size_t payloadBytes;
  GatePosition at;
  uint64_t fingerprint;
};

/// A message has at most so many bytes of what ranks contribute.
inline constexpr size_t kMostTravelBytes = 256 << 10;

/// One rank's side of the stream to another that a MessageGate talks through: what is to be sent, and what has come,
/// message by message. Never waits. Used by one thread at a time.
///
/// A message is 32 bytes (word u8; three zero bytes, payload length u32, operations begun u64, passes u64, fingerprint
/// u64; little-endian) and the payload.
class GateLink {
 public:
  GateLink() = default;
  explicit GateLink(Socket socket) : socket_(std::move(socket)) {
    if (socket_) socket_.suitThisHost();
  }

  explicit operator bool() const { return static_cast<bool>(socket_); }
  int fd() const { return socket_.fd(); }

  /// Queues a message and sends what goes at once.
  void say(GateWord word, GatePosition at, uint64_t fingerprint, std::span<const std::byte> payload);
  void send();
  bool sending() const { return sent_ < outgoing_.size(); }
  /// No more is sent; what is still queued goes nowhere.
  void finishSending() { socket_.finishSending(); }

  /// Takes in what is there, up to the first message about a position later than `own`, and drops what is about earlier
  /// ones. Fails where a message makes no sense.
  Status takeIn(GatePosition own);
  /// The offer or refusal about our position, after takeIn, if it is wholly there; and what comes with it, until the
  /// next takeIn.
  const std::optional<GateMessage>& offer() const { return offer_; }
  std::span<const std::byte> payload() const;
  /// Whether the rank does not pass where we are: it said so, or has begun something else instead.
  bool refuses(GatePosition own) const;
  /// Whether something about a later position has come.
  bool further() const { return next_.has_value(); }
  /// Whether the rank is known to be, or to have been, where we are; `saysHere`: it has asked who is.
  bool here(GatePosition own) const;
  bool saysHere(GatePosition own) const { return here_ == own; }
  /// Nothing comes any more, or nothing can be sent: the rank has left, or is dead.
  bool ended() const { return ended_; }

 private:
  size_t trySend(std::span<const std::byte> bytes, Follows follows);
  Status sort(GatePosition own);
  void dropSorted();
  std::span<std::byte> room();

  Socket socket_;
  Bytes outgoing_;
  size_t sent_ = 0;
  Bytes incoming_;     // room for what comes, used over and over; from the first byte of a message on
  size_t held_ = 0;    // of it
  size_t sorted_ = 0;  // of these: messages that are where they belong
  size_t wanted_ = 0;  // to hold the message behind them wholly
  GatePosition last_;  // what the sorted messages said
  std::optional<GatePosition> here_;
  std::optional<GateMessage> offer_;
  size_t payloadAt_ = 0;             // in incoming_, while there is an offer
  std::optional<GateMessage> next_;  // at sorted_, when it is about a later position
  bool ended_ = false;
};

}  // namespace tsring
